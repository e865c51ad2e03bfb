"""Connections to a shared PostgreSQL database, its schema, and its errors in words that a client or
an operator can act on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import psycopg
from pgvector.psycopg import register_vector
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from retrieval.store import (
    CollectionError,
    StoreBroken,
    StoreBusy,
    StoreFull,
    UnknownCollection,
)

logger = logging.getLogger(__name__)
Db = psycopg.Connection[TupleRow]

VERSION = 3
SET_UP_LOCK = 0x57494E4E  # "WINN"
CONNECT_TIMEOUT_S = 5
MAX_CONNECTIONS = 10
WAIT_FOR_CONNECTION_S = 10.0
LOCK_TIMEOUT = "SET lock_timeout = '30s'"

BUSY = ("08", "40", "53", "55P03", "57")
"""How the codes of passing troubles begin: connection, deadlock, resources, locks, operator."""


class Database:
    """A few connections, made when they are needed, and made anew when the server was restarted.

    Raises:
        StoreBusy: no server can be reached.
        StoreBroken: it has no pgvector, or what it holds is of another version.
    """

    def __init__(self, url: str) -> None:
        options = _parsed(url)
        self._password = str(options.get("password") or "")
        self._place = _place(url)
        with self._telling(), psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as db:
            _set_up(db)
        self._pool = ConnectionPool(
            url,
            connection_class=Db,
            kwargs={
                "autocommit": True,
                "client_encoding": "utf8",
                "connect_timeout": CONNECT_TIMEOUT_S,
            },
            min_size=1,
            max_size=MAX_CONNECTIONS,
            timeout=WAIT_FOR_CONNECTION_S,
            configure=_configure,
            check=ConnectionPool.check_connection,
            name="winnow-store",
            open=True,
        )

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[Db]:
        """Each statement sees the state of the database as it begins."""
        with self._telling(), self._pool.connection() as db:
            yield db

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """One transaction, which is on disk at the end."""
        with self.reading() as db, db.transaction():
            yield db

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as failure:
            # Not chained: what the driver says may quote the URL.
            raise self._told(failure) from None

    def _told(self, failure: psycopg.Error) -> CollectionError:
        said = self._said(failure)
        code = failure.sqlstate
        if isinstance(failure, psycopg.errors.DiskFull):
            return StoreFull(f"the disk of {self._place} is full; nothing of it was kept")
        if isinstance(failure, psycopg.errors.ForeignKeyViolation):
            return UnknownCollection("the collection was deleted")
        is_lost = code is None and isinstance(failure, psycopg.OperationalError)
        if is_lost or (code or "").startswith(BUSY):
            return StoreBusy(f"{self._place} is not to be had now ({said}); try again")
        logger.error("%s: %s", self._place, said)
        return StoreBroken(
            f"{self._place} cannot be used ({said}); `winnow collection verify` says more"
        )

    def _said(self, failure: psycopg.Error) -> str:
        said = failure.diag.message_primary or str(failure).strip() or type(failure).__name__
        line = said.splitlines()[-1].strip()
        return line.replace(self._password, "***") if self._password else line


def one(cursor: psycopg.Cursor[TupleRow]) -> TupleRow:
    """The row of a query that always has one."""
    row = cursor.fetchone()
    assert row is not None, "the query has no row"
    return row


def _parsed(url: str) -> dict[str, Any]:  # as psycopg types it
    try:
        options = conninfo_to_dict(url)
    except psycopg.Error:
        raise StoreBroken("the address of the database is no postgresql:// URL") from None
    host, port, name = (str(options.get(part) or "") for part in ("host", "port", "dbname"))
    if "@" in host + name or port.strip("0123456789,"):
        # Such parts are most likely those of a password, and would be quoted.
        raise StoreBroken('write "@", "/" and the like in the database\'s password as "%40", "%2F"')
    return options


def _place(url: str) -> str:
    host = urlsplit(url).hostname
    return f"the database at {host}" if host else "the database"


def _configure(db: Db) -> None:
    # Whatever the server's default: who has waited for a lock must see what the other committed.
    db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    db.execute(LOCK_TIMEOUT)
    db.execute("SET jit = off")  # takes longer than these queries do
    register_vector(db)


def _set_up(db: Db) -> None:
    db.execute(LOCK_TIMEOUT)
    # Of several servers that start on an empty database, one makes the schema.
    db.execute("SELECT pg_advisory_xact_lock(%s)", (SET_UP_LOCK,))
    (table,) = one(db.execute("SELECT to_regclass('winnow.version')"))
    if table is None:
        _run(db, "postgres_schema.sql")
        return
    (version,) = one(db.execute("SELECT max(version) FROM winnow.version"))
    if version == VERSION - 1:
        _run(db, f"postgres_migration_{VERSION}.sql")
    elif version != VERSION:
        raise StoreBroken(
            f"the database is of version {version}, this program knows version {VERSION}"
        )


def _run(db: Db, script: str) -> None:
    db.execute(resources.files("retrieval").joinpath(script).read_text())
    db.execute("INSERT INTO winnow.version VALUES (%s)", (VERSION,))
