"""The stores that must keep the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.postgres_store import PostgresStore
from retrieval.sqlite_store import SQLiteStore
from retrieval.store import Store
from tests.retrieval.postgres_server import PostgresServer, binaries, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    found = binaries()
    if found is None:
        pytest.skip("pgserver is not installed")
    with running_postgres(found) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """Of an empty database."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store
    if request.param == "sqlite":
        store = SQLiteStore(tmp_path / "collections.sqlite3")
    else:
        store = PostgresStore(request.getfixturevalue("postgres_url"))
    yield store
    store.close()
