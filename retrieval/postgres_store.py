"""Collections in one PostgreSQL database with pgvector, which several servers share.

Whoever changes a collection locks its row first: changes of one collection follow each other, and
do not wait for those of another. Searches take no lock, and see what is committed as they begin.
Words are kept in a table of postings and weighed by one collection's counts, so that no tenant's
words weigh in another's ranking. Vectors are float32, searched exactly. Every row carries a hash of
its content, which is compared whenever it is read.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import get_args

from decoding.retrieval import Kind
from retrieval import postgres_search
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
    digest,
)
from retrieval.postgres_database import Database, Db, one
from retrieval.postgres_rows import (
    COLLECTIONS,
    RECORDS,
    charge,
    forget_words,
    insert,
    known,
    lock,
    num_searched,
    plain,
    storable,
)
from retrieval.postgres_verification import verify
from retrieval.rows import COLLECTION_BYTES, checked_record, to_collection
from retrieval.store import (
    CollectionExists,
    Ranking,
    UnknownCollection,
)

EXPORT_ROWS = 500


class PostgresStore:
    """`Store` over one database, in which it makes a schema `winnow` when there is none.

    Text with NUL characters is kept with U+FFFD in their place.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def close(self) -> None:
        self.database.close()

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
        content = (plain(tenant), plain(name), embedder, dimension, memory, int(time.time()))
        with self.database.transaction() as db:
            row = db.execute(
                "INSERT INTO winnow.collections (tenant, name, embedder, dimension, memory, "
                "created_at, hash) VALUES (%s, %s, %s, %s, %s, %s, %s) "
                "ON CONFLICT (tenant, name) DO NOTHING RETURNING id",
                (*content, digest(*content)),
            ).fetchone()
            if row is None:
                raise CollectionExists(f'there is a collection "{name}" already')
            for kind in get_args(Kind):
                db.execute(
                    "INSERT INTO winnow.counts (collection_id, kind) VALUES (%s, %s)",
                    (row[0], kind),
                )
            charge(db, tenant, COLLECTION_BYTES, max_bytes)
        return Collection(row[0], *content)

    def collection(self, tenant: str, name: str) -> Collection:
        with self.database.reading() as db:
            row = db.execute(
                f"{COLLECTIONS} WHERE tenant = %s AND name = %s", (plain(tenant), plain(name))
            ).fetchone()
        if row is None:
            raise UnknownCollection(f'there is no collection "{name}" of this API key')
        return to_collection(row)

    def collections(self, tenant: str) -> list[Collection]:
        with self.database.reading() as db:
            rows = db.execute(
                f"{COLLECTIONS} WHERE tenant = %s ORDER BY name", (plain(tenant),)
            ).fetchall()
        return [to_collection(row) for row in rows]

    def delete(self, collection: Collection) -> None:
        # Locked, so that what it takes is what is given back; gone already, there is nothing to do.
        with suppress(UnknownCollection), self._changing(collection) as db:
            (num_bytes,) = one(
                db.execute(
                    "SELECT coalesce(sum(num_bytes), 0) FROM winnow.documents "
                    "WHERE collection_id = %s",
                    (collection.id,),
                )
            )
            db.execute("DELETE FROM winnow.collections WHERE id = %s", (collection.id,))
            charge(db, collection.tenant, -int(num_bytes) - COLLECTION_BYTES)

    def known(self, collection: Collection, documents: Sequence[Document]) -> list[bool]:
        hashes = [storable(document).content_hash for document in documents]
        with self.database.reading() as db:
            there = known(db, collection, hashes)
        return [content_hash in there for content_hash in hashes]

    def add(
        self,
        collection: Collection,
        documents: Sequence[Document],
        max_bytes: int | None = None,
    ) -> list[Added]:
        stored = [storable(document) for document in documents]
        with self._changing(collection) as db:
            return insert(db, collection, stored, max_bytes)

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
        condition, values = _matching(source=source, key=key, status=status)
        if source_prefix is not None:
            condition += " AND starts_with(source, %s)"
            values.append(plain(source_prefix))
        with self.database.reading() as db:
            rows = db.execute(
                "SELECT id, source, key, status, num_records, created_at FROM winnow.documents "
                f"WHERE collection_id = %s AND id > %s{condition} ORDER BY id LIMIT %s",
                (collection.id, after, *values, limit),
            ).fetchall()
        return [StoredDocument(*row) for row in rows]

    def pieces(self, collection: Collection, document_id: int) -> list[Piece]:
        with self.database.reading() as db:
            rows = db.execute(
                f"{RECORDS} WHERE r.collection_id = %s AND r.document_id = %s ORDER BY r.id",
                (collection.id, document_id),
            ).fetchall()
        return [record.piece for row in rows if (record := checked_record(row)) is not None]

    def delete_documents(
        self,
        collection: Collection,
        *,
        document_id: int | None = None,
        source: str | None = None,
        key: str | None = None,
    ) -> int:
        condition, values = _matching(id=document_id, source=source, key=key)
        assert condition, "what is to be deleted must be said"
        with self._changing(collection) as db:
            rows = db.execute(
                f"SELECT id, num_bytes FROM winnow.documents WHERE collection_id = %s{condition}",
                (collection.id, *values),
            ).fetchall()
            ids = [row[0] for row in rows]
            forget_words(db, collection, ids)
            db.execute("DELETE FROM winnow.documents WHERE id = ANY(%s::bigint[])", (ids,))
            if ids:
                charge(db, collection.tenant, -sum(row[1] for row in rows))
        return len(ids)

    def num_bytes(self, tenant: str) -> int:
        with self.database.reading() as db:
            row = db.execute(
                "SELECT num_bytes FROM winnow.tenants WHERE tenant = %s", (plain(tenant),)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def count(self, collection: Collection) -> int:
        with self.database.reading() as db:
            return num_searched(db, collection)

    def frequencies(self, collection: Collection, kind: Kind, terms: Sequence[str]) -> Frequencies:
        with self.database.reading() as db:
            return postgres_search.frequencies(db, collection, kind, terms)

    def by_words(
        self, collection: Collection, kind: Kind, terms: Sequence[str], limit: int
    ) -> Ranking:
        if not terms:
            return []
        with self.database.reading() as db:
            ranked = postgres_search.by_words(db, collection, kind, terms, limit)
        return [record_id for record_id, _ in ranked]

    def by_vector(
        self, collection: Collection, kind: Kind, vector: Vector, limit: int
    ) -> list[tuple[int, float]]:
        with self.database.reading() as db:
            return postgres_search.by_vector(db, collection, kind, vector, limit)

    def cosines(
        self, collection: Collection, kind: Kind, vector: Vector, ids: Sequence[int]
    ) -> list[float]:
        with self.database.reading() as db:
            found = postgres_search.cosines(db, collection, kind, vector, ids)
        return [found.get(record_id, 0.0) for record_id in ids]

    def records(self, collection: Collection, ids: Sequence[int]) -> list[Record]:
        with self.database.reading() as db:
            rows = db.execute(
                f"{RECORDS} WHERE r.collection_id = %s AND r.id = ANY(%s::bigint[])",
                (collection.id, list(ids)),
            ).fetchall()
        by_id = {row[0]: row for row in rows}
        found = (checked_record(by_id[i]) for i in ids if i in by_id)
        return [record for record in found if record is not None]

    def export(self, collection: Collection) -> Iterator[Record]:
        after = 0
        while True:
            with self.database.reading() as db:
                rows = db.execute(
                    f"{RECORDS} WHERE r.collection_id = %s AND r.id > %s ORDER BY r.id LIMIT %s",
                    (collection.id, after, EXPORT_ROWS),
                ).fetchall()
            if not rows:
                return
            yield from (record for row in rows if (record := checked_record(row)) is not None)
            after = rows[-1][0]

    def verify(self) -> Verified:
        with self.database.transaction() as db:
            return verify(db)

    @contextmanager
    def _changing(self, collection: Collection) -> Iterator[Db]:
        """One transaction, in which no other changes the collection."""
        with self.database.transaction() as db:
            lock(db, collection)
            yield db


def _matching(**wanted: str | int | None) -> tuple[str, list[str | int]]:
    """What narrows a query to the columns' values that are given, with its variables."""
    given = {
        name: plain(value) if isinstance(value, str) else value
        for name, value in wanted.items()
        if value is not None
    }
    return "".join(f" AND {name} = %s" for name in given), list(given.values())
