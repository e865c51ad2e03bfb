"""Rows as both stores keep them: what is read is compared with its hash."""

import logging
from collections.abc import Sequence
from typing import Any

from retrieval.material import Collection, Document, Piece, Record, digest
from retrieval.store import QuotaExceeded, StoreBroken, WrongVectors

logger = logging.getLogger(__name__)
Row = tuple[Any, ...]  # of columns as the stores' queries name them

NUM_RECORD_COLUMNS = 12
"""Of a query for records with their documents: the record's own come first."""


DOCUMENT_BYTES, RECORD_BYTES, COLLECTION_BYTES = 500, 200, 65_536
"""What each takes for its row, indexes and tables, whatever it says. Migrations have them, too."""
TERMS_WEIGHT = 3
"""Terms are kept in their record and, about twice as large, in the index of words."""
BYTES_PER_MB = 10**6


def stored_bytes(document: Document, terms: Sequence[str]) -> int:
    """The approximate bytes that a document takes in a store; `terms` are those of each piece."""
    texts = (t for p in document.pieces for t in (p.text, p.question, p.answer) if t is not None)
    said = sum(len(text.encode()) for text in (document.source, *texts))
    vectors = 0 if document.vectors is None else document.vectors.size * 4
    records = len(document.pieces) * RECORD_BYTES
    indexed = TERMS_WEIGHT * sum(len(one.encode()) for one in terms)
    return DOCUMENT_BYTES + records + said + indexed + vectors


def check_quota(num_bytes: int, added: int, max_bytes: int | None) -> None:
    """Hold a tenant's `num_bytes`, of which `added` are new, against its quota, None for none.

    Raises:
        QuotaExceeded: they are more than the quota.
    """
    if max_bytes is not None and added > 0 and num_bytes > max_bytes:
        quota, used, more = (n / BYTES_PER_MB for n in (max_bytes, num_bytes - added, added))
        raise QuotaExceeded(
            f"documents, memory and collections may take {quota:g} MB of the store: {used:.3f} MB "
            f"are used and {more:.3f} MB more are needed; delete documents or collections, or have "
            "the operator raise WINNOW_STORE_QUOTA_MB or the key's --store-mb"
        )


def to_collection(row: Row) -> Collection:
    """Return the collection that a row describes.

    Raises:
        StoreBroken: the row is damaged.
    """
    if not is_sound(row):
        raise StoreBroken(f"collection {row[0]} is damaged; `winnow collection verify` says more")
    collection_id, tenant, name, embedder, dimension, memory, created_at, _ = row
    return Collection(collection_id, tenant, name, embedder, dimension, bool(memory), created_at)


def is_sound(row: Row) -> bool:
    """Whether a row's last column is the hash of the columns between it and the id, the first."""
    _, *content, sealed = row
    return bool(digest(*content) == sealed)


def checked_record(row: Row) -> Record | None:
    """None, and a line in the log, where the record or its document is damaged."""
    own, document = row[:NUM_RECORD_COLUMNS], row[NUM_RECORD_COLUMNS:]
    if not is_sound(own) or not is_sound(document):
        logger.error("record %s of collection %s is damaged and not served", row[0], row[1])
        return None
    _, _, document_id, kind, text, question, answer, start, end, *_ = own
    _, _, source, key, status, _, _, created_at, _ = document
    span = None if start is None else (start, end)
    piece = Piece(kind, text, span, question, answer)
    return Record(own[0], document_id, source, piece, status, key, created_at)


def check_vectors(collection: Collection, document: Document) -> None:
    """Check that a document has one vector per piece if its collection has vectors, else none.

    Raises:
        WrongVectors: there are none, too many, or of another length than the collection's.
    """
    got = None if document.vectors is None else document.vectors.shape
    wanted = collection.dimension and (len(document.pieces), collection.dimension)
    if got != wanted:
        raise WrongVectors(f"{document.source}: vectors of shape {got}, and {wanted} are needed")
