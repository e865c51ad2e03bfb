"""Where collections are kept: one protocol, of which SQLite is the embedded implementation.

Methods block and may be called from any thread. A method that changes something has committed it,
to disk, when it returns, or has changed nothing. What a tenant has is named by its `Collection`,
which only that tenant can look up.

CollectionError          what a client or operator can act on
├── BadName              a collection cannot be called so
├── UnknownCollection    no such collection of this tenant
├── CollectionExists     the name is taken
├── UnknownDocument      no such document in the collection
├── UnknownReply         the tenant has no reply of that id, or none any more
├── JudgedOtherwise      the reply has other feedback already
├── WrongVectors         made by another embedder than the collection's
├── QuotaExceeded        the tenant has stored as much as it may
├── StoreFull            the disk is full: nothing of the document was kept
├── StoreBusy            another process has been writing for too long
└── StoreBroken          the file is damaged, of a newer version, or no store
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from decoding.retrieval import Kind
from retrieval.material import (
    Added,
    Collection,
    Document,
    Frequencies,
    Piece,
    Record,
    Status,
    StoredDocument,
    Vector,
    Verified,
)

Ranking = list[int]
"""Ids of records, best first."""


class CollectionError(Exception):
    """Something about a collection; the message says what and the way out."""


class BadName(CollectionError):
    pass


class UnknownCollection(CollectionError):
    pass


class CollectionExists(CollectionError):
    pass


class UnknownDocument(CollectionError):
    pass


class UnknownReply(CollectionError):
    pass


class JudgedOtherwise(CollectionError):
    pass


class WrongVectors(CollectionError):
    pass


class QuotaExceeded(CollectionError):
    pass


class StoreFull(CollectionError):
    pass


class StoreBusy(CollectionError):
    pass


class StoreBroken(CollectionError):
    pass


class Store(Protocol):
    def close(self) -> None: ...

    def create(
        self,
        tenant: str,
        name: str,
        embedder: str | None,
        dimension: int | None,
        *,
        memory: bool,
        max_bytes: int | None = None,
    ) -> Collection:
        """A collection takes of the tenant's quota, `max_bytes`, too.

        Raises:
            CollectionExists: the name is taken.
            QuotaExceeded: the tenant has stored as much as it may.
        """
        ...

    def collection(self, tenant: str, name: str) -> Collection:
        """Return the tenant's collection of this name.

        Raises:
            UnknownCollection: there is none.
        """
        ...

    def collections(self, tenant: str) -> list[Collection]:
        """Return the tenant's collections in the order of their names."""
        ...

    def delete(self, collection: Collection) -> None:
        """Delete the collection and all that it holds."""
        ...

    def known(self, collection: Collection, documents: Sequence[Document]) -> list[bool]:
        """Whether each document's content is there already, so that it need not be embedded."""
        ...

    def add(
        self,
        collection: Collection,
        documents: Sequence[Document],
        max_bytes: int | None = None,
    ) -> list[Added]:
        """All of them or none. Content that is there already is not stored again.

        `max_bytes` is the quota of the collection's tenant. It is None for what takes the place of
        something else: that is held to no quota, and may take of the disk's reserve.

        Raises:
            UnknownCollection: it was deleted in the meantime.
            QuotaExceeded: the tenant has stored as much as it may.
            StoreFull: the disk has no room for documents.
        """
        ...

    def documents(
        self,
        collection: Collection,
        limit: int,
        after: int = 0,
        *,
        source: str | None = None,
        source_prefix: str | None = None,
        key: str | None = None,
        status: Status | None = None,
    ) -> list[StoredDocument]:
        """Those with larger ids than `after` that match all that is given, by id."""
        ...

    def pieces(self, collection: Collection, document_id: int) -> list[Piece]:
        """What a document consists of, in its order, but for what is damaged; empty where there is
        no such document."""
        ...

    def delete_documents(
        self,
        collection: Collection,
        *,
        document_id: int | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> int:
        """Those that match all that is given; how many there were."""
        ...

    def num_bytes(self, tenant: str) -> int:
        """The approximate size of the tenant's collections in bytes, as quotas count it."""
        ...

    def count(self, collection: Collection) -> int:
        """How many records are searched."""
        ...

    def frequencies(
        self, collection: Collection, kind: Kind, terms: Sequence[str]
    ) -> Frequencies: ...

    def by_words(
        self, collection: Collection, kind: Kind, terms: Sequence[str], limit: int
    ) -> Ranking:
        """Records with any of the terms, by BM25 among those of the kind; of equal score by id."""
        ...

    def by_vector(
        self, collection: Collection, kind: Kind, vector: Vector, limit: int
    ) -> list[tuple[int, float]]:
        """The records of nearest vectors with their cosine; of equal score by id."""
        ...

    def cosines(
        self, collection: Collection, kind: Kind, vector: Vector, ids: Sequence[int]
    ) -> list[float]:
        """The cosine of each record's vector and `vector`; 0 for a record that is not searched."""
        ...

    def records(self, collection: Collection, ids: Sequence[int]) -> list[Record]:
        """Return the records in the order of the ids, without those that are missing or damaged.

        A damaged record is logged.
        """
        ...

    def export(self, collection: Collection) -> Iterator[Record]:
        """All of them, by id, but for damaged ones, which are logged."""
        ...

    def verify(self) -> Verified:
        """Read everything of every tenant, and compare it with its hashes."""
        ...
