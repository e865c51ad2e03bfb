"""Collections in one SQLite file: the embedded default.

A commit is on disk when it returns (write-ahead log, synchronous=FULL). Writes of one process go
through one thread; between processes SQLite's lock decides. Each collection has a full-text table
(FTS5) of its own, so that no tenant's words weigh in another's ranking. Vectors are float32 blobs,
searched exactly. Every row carries a hash of its content, which is compared before a record is
served.
"""

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar, get_args

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
    digest,
)
from retrieval.private_file import make_private
from retrieval.rows import COLLECTION_BYTES, checked_record, stored_bytes, to_collection
from retrieval.sqlite_reserve import DiskReserve
from retrieval.sqlite_rows import (
    COLLECTIONS,
    RECORDS,
    charge,
    count_change,
    delete_document,
    insert,
    marks,
    num_searched,
    parts,
    shrink,
    word_tables,
)
from retrieval.sqlite_verification import verify
from retrieval.store import (
    CollectionExists,
    Ranking,
    StoreBroken,
    StoreBusy,
    StoreFull,
    UnknownCollection,
)
from retrieval.terms import terms as terms_of
from retrieval.vector_index import VectorIndex

logger = logging.getLogger(__name__)
T = TypeVar("T")

VERSION = 3
APPLICATION_ID = 0x57494E4E  # "WINN"
BUSY_TIMEOUT_S = 30.0
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"),
    "journal_size_limit=8000000",  # a large change leaves no large log behind
)
EXPORT_ROWS = 500
SHRINK_ROWS = 100
"""Records and documents that are deleted at a time when the disk has no room for more."""


class SQLiteStore:
    """`Store` over one file, which is made when it is not there.

    Documents leave `reserve_bytes` of its disk free.
    """

    def __init__(
        self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S, *, reserve_bytes: int = 0
    ) -> None:
        self._path = path
        self._reserve = DiskReserve(path, reserve_bytes)
        self._busy_timeout_s = busy_timeout_s
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._indexes: dict[tuple[int, Kind], VectorIndex] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="winnow-store")
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._writer.shutdown()
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _open(self) -> None:
        try:
            self.write(_set_up)
        except StoreFull:  # even to be opened it needs a few pages
            with self._reserve.given_up():
                self.write(_set_up)
        self._reserve.keep()

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
        created_at = int(time.time())

        def write(db: sqlite3.Connection) -> Collection:
            self._reserve.check(db, COLLECTION_BYTES)
            charge(db, tenant, COLLECTION_BYTES, max_bytes)
            content = (tenant, name, embedder, dimension, int(memory), created_at)
            try:
                cursor = db.execute(
                    "INSERT INTO collections (tenant, name, embedder, dimension, memory, "
                    "created_at, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*content, digest(*content)),
                )
            except sqlite3.IntegrityError:
                raise CollectionExists(f'there is a collection "{name}" already') from None
            collection_id = cursor.lastrowid
            for kind in get_args(Kind):
                words, vocabulary = word_tables(collection_id or 0, kind)
                db.execute(
                    f"CREATE VIRTUAL TABLE {words} USING fts5"
                    "(terms, content='', tokenize='unicode61 remove_diacritics 0')"
                )
                db.execute(f"CREATE VIRTUAL TABLE {vocabulary} USING fts5vocab({words}, row)")
            return Collection(
                collection_id or 0, tenant, name, embedder, dimension, memory, created_at
            )

        return self.write(write)

    def collection(self, tenant: str, name: str) -> Collection:
        with self.reading() as db:
            row = db.execute(
                f"{COLLECTIONS} WHERE tenant = ? AND name = ?", (tenant, name)
            ).fetchone()
        if row is None:
            raise UnknownCollection(f'there is no collection "{name}" of this API key')
        return to_collection(row)

    def collections(self, tenant: str) -> list[Collection]:
        with self.reading() as db:
            rows = db.execute(f"{COLLECTIONS} WHERE tenant = ? ORDER BY name", (tenant,)).fetchall()
        return [to_collection(row) for row in rows]

    def delete(self, collection: Collection) -> None:
        def write(db: sqlite3.Connection) -> None:
            (num_bytes,) = db.execute(
                "SELECT coalesce(sum(num_bytes), 0) FROM documents WHERE collection_id = ?",
                (collection.id,),
            ).fetchone()
            deleted = db.execute("DELETE FROM collections WHERE id = ?", (collection.id,))
            if deleted.rowcount:  # not by another in the meantime
                charge(db, collection.tenant, -num_bytes - COLLECTION_BYTES)
            for kind in get_args(Kind):
                words, vocabulary = word_tables(collection.id, kind)
                db.execute(f"DROP TABLE IF EXISTS {vocabulary}")
                db.execute(f"DROP TABLE IF EXISTS {words}")

        try:
            self.write(write)
        except StoreFull:
            with self._reserve.given_up():
                self._empty(collection)
                self.write(write)
        for kind in get_args(Kind):
            self._indexes.pop((collection.id, kind), None)

    def known(self, collection: Collection, documents: Sequence[Document]) -> list[bool]:
        hashes = [document.content_hash for document in documents]
        with self.reading() as db:
            there = {
                row[0]
                for part in parts(hashes)
                for row in db.execute(
                    "SELECT content_hash FROM documents WHERE collection_id = ? AND "
                    f"content_hash IN ({marks(part)})",
                    (collection.id, *part),
                )
            }
        return [content_hash in there for content_hash in hashes]

    def add(
        self,
        collection: Collection,
        documents: Sequence[Document],
        max_bytes: int | None = None,
    ) -> list[Added]:
        terms = [
            [" ".join(terms_of(piece.searched_text)) for piece in document.pieces]
            for document in documents
        ]
        sizes = list(map(stored_bytes, documents, terms))

        def write(db: sqlite3.Connection) -> list[Added]:
            if max_bytes is not None:
                self._reserve.check(db, sum(sizes))
            prepared = zip(documents, terms, sizes, strict=True)
            added = [insert(db, collection, *one) for one in prepared]
            new = sum(size for one, size in zip(added, sizes, strict=True) if one.is_new)
            charge(db, collection.tenant, new, max_bytes)
            return added

        return self.write(write)

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
            condition += " AND substr(source, 1, length(?)) = ?"
            values += [source_prefix, source_prefix]
        with self.reading() as db:
            rows = db.execute(
                "SELECT id, source, key, status, num_records, created_at FROM documents "
                f"WHERE collection_id = ? AND id > ?{condition} ORDER BY id LIMIT ?",
                (collection.id, after, *values, limit),
            ).fetchall()
        return [StoredDocument(*row) for row in rows]

    def pieces(self, collection: Collection, document_id: int) -> list[Piece]:
        with self.reading() as db:
            rows = db.execute(
                f"{RECORDS} WHERE r.collection_id = ? AND r.document_id = ? ORDER BY r.id",
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

        def write(db: sqlite3.Connection) -> int:
            ids = [
                row[0]
                for row in db.execute(
                    f"SELECT id FROM documents WHERE collection_id = ?{condition}",
                    (collection.id, *values),
                )
            ]
            freed = sum(delete_document(db, collection, one) for one in ids)
            if ids:
                count_change(db, collection)
                charge(db, collection.tenant, -freed)
            return len(ids)

        try:
            return self.write(write)
        except StoreFull:
            with self._reserve.given_up():
                return self._empty(collection, condition, values)

    def _empty(
        self, collection: Collection, condition: str = "", values: Sequence[str | int] = ()
    ) -> int:
        """Delete the documents in steps, of which each is on disk before the next: all at once they
        need more room in the write-ahead log than a full disk has. Return how many there were."""

        def step(db: sqlite3.Connection) -> tuple[int, bool]:
            rows = db.execute(
                "SELECT id, num_records FROM documents "
                f"WHERE collection_id = ?{condition} ORDER BY id LIMIT {SHRINK_ROWS}",
                (collection.id, *values),
            ).fetchall()
            left, num_deleted, freed = SHRINK_ROWS, 0, 0
            for document_id, num_records in rows:
                if num_records > left:
                    if left:
                        shrink(db, collection, document_id, left)
                    break
                freed += delete_document(db, collection, document_id)
                num_deleted += 1
                left -= num_records
            count_change(db, collection)
            charge(db, collection.tenant, -freed)
            return num_deleted, bool(rows)

        total, goes_on = 0, True
        while goes_on:
            num_deleted, goes_on = self.write(step)
            total += num_deleted
        return total

    def num_bytes(self, tenant: str) -> int:
        with self.reading() as db:
            row = db.execute("SELECT num_bytes FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
        return 0 if row is None else int(row[0])

    def count(self, collection: Collection) -> int:
        with self.reading() as db:
            return num_searched(db, collection)

    def frequencies(self, collection: Collection, kind: Kind, terms: Sequence[str]) -> Frequencies:
        unique = list(dict.fromkeys(terms))
        words, vocabulary = word_tables(collection.id, kind)
        with self.reading() as db:
            found = {
                term: num
                for part in parts(unique)
                for term, num in db.execute(
                    f"SELECT term, doc FROM {vocabulary} WHERE term IN ({marks(part)})", part
                )
            }
            (num_records,) = db.execute(f"SELECT count(*) FROM {words}").fetchone()
        return Frequencies(num_records, found)

    def by_words(
        self, collection: Collection, kind: Kind, terms: Sequence[str], limit: int
    ) -> Ranking:
        if not terms:
            return []
        words, _ = word_tables(collection.id, kind)
        query = " OR ".join(f'"{term}"' for term in terms)
        with self.reading() as db:
            rows = db.execute(
                f"SELECT rowid FROM {words} WHERE {words} MATCH ? "
                f"ORDER BY bm25({words}), rowid LIMIT ?",
                (query, limit),
            ).fetchall()
        return [row[0] for row in rows]

    def by_vector(
        self, collection: Collection, kind: Kind, vector: Vector, limit: int
    ) -> list[tuple[int, float]]:
        with self.reading() as db:
            return self._index(collection, kind).nearest(db, vector, limit)

    def cosines(
        self, collection: Collection, kind: Kind, vector: Vector, ids: Sequence[int]
    ) -> list[float]:
        with self.reading() as db:
            return self._index(collection, kind).cosines(db, vector, ids)

    def records(self, collection: Collection, ids: Sequence[int]) -> list[Record]:
        with self.reading() as db:
            rows = {
                row[0]: row
                for part in parts(ids)
                for row in db.execute(
                    f"{RECORDS} WHERE r.collection_id = ? AND r.id IN ({marks(part)})",
                    (collection.id, *part),
                )
            }
        found = (checked_record(rows[i]) for i in ids if i in rows)
        return [record for record in found if record is not None]

    def export(self, collection: Collection) -> Iterator[Record]:
        after = 0
        while True:
            with self.reading() as db:
                rows = db.execute(
                    f"{RECORDS} WHERE r.collection_id = ? AND r.id > ? ORDER BY r.id LIMIT ?",
                    (collection.id, after, EXPORT_ROWS),
                ).fetchall()
            if not rows:
                return
            yield from (record for row in rows if (record := checked_record(row)) is not None)
            after = rows[-1][0]

    def verify(self) -> Verified:
        with self.reading() as db:
            return verify(db)

    def _index(self, collection: Collection, kind: Kind) -> VectorIndex:
        new = VectorIndex(collection, kind)
        return self._indexes.setdefault((collection.id, kind), new)

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run a change in the writer's thread, as one transaction."""

        def run() -> T:
            with self._telling(), _transaction(self._connection()) as db:
                return change(db)

        return self._writer.submit(run).result()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the store for all that is read within."""
        with self._telling():
            db = self._connection()
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            make_private(self._path, beside=("-wal", "-shm"))
            connection = sqlite3.connect(
                self._path,
                timeout=self._busy_timeout_s,
                isolation_level=None,
                check_same_thread=False,
            )
            with self._lock:
                self._connections.append(connection)
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            self._local.connection = connection
        return connection

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """SQLite's errors in words that a client or an operator can act on."""
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as failure:
            raise self._told(failure) from failure
        except UnicodeDecodeError as failure:  # what a damaged file has in place of text
            raise self._told(sqlite3.DatabaseError("text is damaged")) from failure

    def _told(self, failure: Exception) -> Exception:
        extended = getattr(failure, "sqlite_errorcode", 0)
        code = extended & 0xFF
        said = (failure.strerror or "") if isinstance(failure, OSError) else str(failure)
        is_full = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and self._is_disk_full()
        # A quota of the file system, or a limit on the size of files, fails as a write.
        if code == sqlite3.SQLITE_FULL or is_full or extended == sqlite3.SQLITE_IOERR_WRITE:
            return StoreFull(f"the disk of {self._path.name} is full; nothing of it was kept")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            return StoreBroken(f"{self._path.name} cannot be opened and written ({said})")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusy(f"{self._path.name} is locked by another process; try again")
        if said.startswith(("no such table: words_", "no such table: vocabulary_")):
            return UnknownCollection("the collection was deleted")
        logger.error("%s: %s", self._path, failure)
        return StoreBroken(
            f"{self._path.name} cannot be used ({said}); `winnow collection verify` says more"
        )

    def _is_disk_full(self) -> bool:
        return shutil.disk_usage(self._path.parent).free < 2**16


def _matching(**wanted: str | int | None) -> tuple[str, list[str | int]]:
    """What narrows a query to the columns' values that are given, with its variables."""
    given = {name: value for name, value in wanted.items() if value is not None}
    return "".join(f" AND {name} = ?" for name in given), list(given.values())


def _set_up(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if version == 0:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreBroken("the file is a database of something else")
        _run(db, "sqlite_schema.sql")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif application == APPLICATION_ID and version == VERSION - 1:
        _run(db, f"sqlite_migration_{VERSION}.sql")
    elif application != APPLICATION_ID or version != VERSION:
        raise StoreBroken(f"the file is of version {version}, this program knows version {VERSION}")


def _run(db: sqlite3.Connection, script: str) -> None:
    statements = resources.files("retrieval").joinpath(script).read_text()
    for statement in statements.split(";\n"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
