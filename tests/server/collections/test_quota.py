"""How much a tenant may store, and what is left of a disk for everybody else."""

import sqlite3
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from decoding.retrieval import Kind
from retrieval import sqlite_reserve
from retrieval.library import Library
from retrieval.material import Piece
from retrieval.postgres_store import PostgresStore
from retrieval.reading import Text
from retrieval.rows import COLLECTION_BYTES
from retrieval.sqlite_store import SQLiteStore
from retrieval.store import QuotaExceeded, Store, StoreFull
from server.collections.memory import Rememberer, SolvedProblem
from server.collections.quota import quota_of
from server.gate.caller import ANYBODY, Caller
from server.gate.keys import Key
from server.replies.log import LoggedReply
from server.replies.sqlite_log import SQLiteReplyLog
from server.settings import Settings
from tests.retrieval.material import OTHER, TENANT, document, found, made

PLENTY = 10**9
# Terms weigh three times: "red" and "boat" with a blank are 8. The source is "notes.txt".
RED_BOAT = 500 + len("notes.txt") + 200 + len("red boat") + 3 * len("red boat")
LONG = [f"fact number {i} of many" for i in range(300)]
REPLY = LoggedReply("r", TENANT, "m", "s", "a", None, None, None, 1, 1.0, None, 1.0)


def test_what_is_stored_is_counted_until_it_is_deleted(store: Store) -> None:
    facts, more = made(store), made(store, "more")
    assert store.num_bytes(TENANT) == 2 * COLLECTION_BYTES
    store.add(facts, [document("red boat"), document("red boat", source="elsewhere")])
    store.add(facts, [document("red boat")])  # it is there
    store.add(more, [document("red boat"), document("red boat", status="quarantined")])
    assert store.num_bytes(TENANT) == 2 * COLLECTION_BYTES + 3 * RED_BOAT
    assert store.num_bytes(OTHER) == 0
    store.delete_documents(facts, source="notes.txt")
    store.delete_documents(facts, source="notes.txt")
    assert store.num_bytes(TENANT) == 2 * COLLECTION_BYTES + 2 * RED_BOAT
    store.delete(more)
    store.delete(more)
    assert store.num_bytes(TENANT) == COLLECTION_BYTES


def test_vectors_are_counted(store: Store) -> None:
    facts = made(store, dimension=2)
    store.add(facts, [document("red boat", vectors=[[1, 0]])])
    assert store.num_bytes(TENANT) == COLLECTION_BYTES + RED_BOAT + 2 * 4


def test_quota_keeps_out_what_exceeds_it_and_no_other_tenant(store: Store) -> None:
    facts, theirs = made(store), made(store, tenant=OTHER)
    quota = COLLECTION_BYTES + RED_BOAT
    store.add(facts, [document("red boat")], quota)
    store.add(facts, [document("red boat")], quota)  # it is there, and takes nothing
    says = r"0\.066277 MB of the store: 0\.066 MB are used and 0\.\d+ MB more are needed; delete"
    with pytest.raises(QuotaExceeded, match=says):
        store.add(facts, [document("green boat")], quota)
    with pytest.raises(QuotaExceeded, match="WINNOW_STORE_QUOTA_MB or the key's --store-mb"):
        store.create(TENANT, "more", None, None, memory=False, max_bytes=quota)
    assert found(store, facts, "boat") == ["red boat"]
    assert store.collections(TENANT) == [facts]
    store.add(theirs, [document("green boat")], quota + 100)
    store.delete_documents(facts, source="notes.txt")
    store.add(facts, [document("blue boat")], quota + 100)
    assert store.verify().problems == []


def test_quota_is_the_keys_or_that_of_everybody() -> None:
    key = Key(name="a", sha256="0" * 64, tenant="a", created_at=0, store_mb=5)
    settings = Settings(store_quota_mb=0.5)
    assert quota_of(Caller("a", "a", key), settings) == 5_000_000
    assert quota_of(ANYBODY, settings) == 500_000


async def test_memory_is_held_to_the_quota(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "c.sqlite3")
    library = Library(store, None)
    library.create(TENANT, "lessons", memory=True)
    one = Rememberer(lambda: library, Settings(store_quota_mb=COLLECTION_BYTES / 10**6 + 0.001))
    for number in range(3):
        solved = SolvedProblem(f"chatcmpl-{number}", f"{number}?", "8", "8", "quarantined")
        one.remember(TENANT, "lessons", solved)
        await one._under_way[solved.reply_id]
    (kept,) = store.documents(store.collection(TENANT, "lessons"), 10)
    assert kept.source == "reply:chatcmpl-0"
    assert await one.judge(TENANT, "chatcmpl-0", is_right=True)  # takes the place of another
    store.close()


def test_sqlite_store_of_the_version_before_is_counted_as_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    store = SQLiteStore(path)
    _fill(store)
    counted = {tenant: store.num_bytes(tenant) for tenant in (TENANT, OTHER)}
    store.close()
    db = sqlite3.connect(path)
    db.executescript(
        "ALTER TABLE documents DROP COLUMN num_bytes; DROP TABLE tenants; PRAGMA user_version = 2"
    )
    db.close()
    for _ in range(2):
        store = SQLiteStore(path)
        assert {tenant: store.num_bytes(tenant) for tenant in counted} == counted
        assert store.verify().problems == []
        store.close()


def test_postgres_store_of_the_version_before_is_counted_as_it_is_opened(
    postgres_url: str,
) -> None:
    store = PostgresStore(postgres_url)
    _fill(store)
    counted = {tenant: store.num_bytes(tenant) for tenant in (TENANT, OTHER)}
    store.close()
    with psycopg.connect(postgres_url) as db:
        db.execute("ALTER TABLE winnow.documents DROP COLUMN num_bytes")
        db.execute("DROP TABLE winnow.tenants")
        db.execute("UPDATE winnow.version SET version = 2")
    for _ in range(2):
        store = PostgresStore(postgres_url)
        assert {tenant: store.num_bytes(tenant) for tenant in counted} == counted
        store.close()


def _fill(store: Store) -> None:
    made(store, tenant=OTHER)
    made(store, "empty")
    facts = made(store, dimension=2)
    solved = Piece("exemplar", "It is ẞ.", None, "2 + 2?", "4")
    problem = document("x", source="ü", vectors=[[0, 1]])
    store.add(
        facts,
        [
            document("red boat", "green boat", vectors=[[1, 0], [0, 1]]),
            type(problem)(problem.source, (solved,), vectors=problem.vectors),
        ],
    )


def raw(store: SQLiteStore, statement: str) -> int:
    """Run in the connection that writes."""
    row = store._writer.submit(lambda: store._connection().execute(statement).fetchone()).result()
    return int(row[0])


def test_full_store_lets_all_be_deleted_and_grows_no_further(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "c.sqlite3")
    facts, more = made(store), made(store, "more")
    for collection in (facts, more):
        store.add(collection, [document(*LONG, source=str(i)) for i in range(3)])
    num_pages = raw(store, "PRAGMA page_count")
    raw(store, f"PRAGMA max_page_count = {num_pages}")
    with pytest.raises(StoreFull):
        store.add(facts, [document(*[f"{i} and more" for i in range(900)])])
    assert store.delete_documents(facts, source="0") == 1
    store.delete(more)
    assert raw(store, "PRAGMA page_count") == num_pages
    store.add(facts, [document("red boat")], PLENTY)  # in the pages that they left
    assert found(store, facts, "boat") == ["red boat"]
    assert store.verify().problems == []
    store.close()


@pytest.mark.parametrize("what", ["documents", "collection"])
def test_deletion_without_room_for_it_all_goes_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A disk that is full, but for what the file beside the store gives."""
    store = SQLiteStore(tmp_path / "c.sqlite3", reserve_bytes=100_000)
    beside = tmp_path / "c.sqlite3-reserve"
    assert beside.stat().st_size == 100_000
    facts, more = made(store), made(store, "more")
    documents = [document(*LONG, f"and {i}", source=f"{i}") for i in range(2)]
    short = [document(f"short {i}", source=f"s{i}", status="quarantined") for i in range(250)]
    store.add(facts, [*documents, *short])
    store.add(more, [document("red boat")])
    write, was_there = store.write, []

    def write_if_small(change):  # type: ignore[no-untyped-def]  # as `write`
        was_there.append(beside.exists())
        if len(was_there) == 1:
            raise StoreFull("the log has no room")
        return write(change)

    monkeypatch.setattr(store, "write", write_if_small)
    if what == "documents":
        assert store.delete_documents(facts, key=TENANT) == 252
    else:
        store.delete(facts)
    monkeypatch.undo()
    assert was_there[0]
    assert not any(was_there[1:])
    assert len(was_there) > 9  # a hundred records or documents at a time
    assert beside.exists()
    left = COLLECTION_BYTES * (2 if what == "documents" else 1) + RED_BOAT
    assert store.num_bytes(TENANT) == left
    assert found(store, more, "boat") == ["red boat"]
    assert store.verify().problems == []
    store.close()


def test_deletion_that_fails_half_way_leaves_whole_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteStore(tmp_path / "c.sqlite3")
    facts = made(store)
    store.add(facts, [document(*LONG)])
    write, num_calls = store.write, 0

    def write_once(change):  # type: ignore[no-untyped-def]  # as `write`
        nonlocal num_calls
        num_calls += 1
        if num_calls != 2:
            raise StoreFull("the log has no room")
        return write(change)

    monkeypatch.setattr(store, "write", write_once)
    with pytest.raises(StoreFull):
        store.delete_documents(facts, source="notes.txt")
    monkeypatch.undo()
    assert store.verify().problems == []
    assert store.count(facts) == 200
    assert store.add(facts, [document(*LONG)])[0].is_new  # what is left is not taken for it
    for kind in get_args(Kind):
        assert store.frequencies(facts, kind, ["many"]).num_records in (0, 500)
    store.close()


def test_documents_leave_the_disks_reserve_to_replies_and_deletions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteStore(tmp_path / "c.sqlite3", reserve_bytes=20_000_000)
    facts = made(store)
    store.add(facts, [document(*LONG)], PLENTY)
    free = 20_000_000

    class Usage:
        @property
        def free(self) -> int:
            return free

    monkeypatch.setattr(sqlite_reserve.shutil, "disk_usage", lambda _: Usage())
    with pytest.raises(StoreFull, match="full but for 20 MB that documents may not take"):
        store.add(facts, [document("red boat")], PLENTY)
    with pytest.raises(StoreFull):
        made(store, "more")
    SQLiteReplyLog(store).write([REPLY])
    assert store.delete_documents(facts, source="notes.txt") == 1
    # The file is as large as it was, and has free pages: these are used again.
    store.add(facts, [document("red boat")], PLENTY)
    assert found(store, facts, "boat") == ["red boat"]
    store.close()


def test_store_is_opened_on_a_disk_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite3"
    SQLiteStore(path, reserve_bytes=100_000).close()
    write, num_calls = SQLiteStore.write, 0

    def write_without_reserve(store, change):  # type: ignore[no-untyped-def]  # as `write`
        nonlocal num_calls
        num_calls += 1
        if (tmp_path / "c.sqlite3-reserve").exists():
            raise StoreFull("not a page")
        return write(store, change)

    monkeypatch.setattr(SQLiteStore, "write", write_without_reserve)
    SQLiteStore(path, reserve_bytes=100_000).close()
    assert num_calls == 2


def test_library_passes_the_quota_on(tmp_path: Path) -> None:
    library = Library(SQLiteStore(tmp_path / "c.sqlite3"), None)
    facts = library.create(TENANT, "facts", max_bytes=PLENTY)
    texts = [Text("a", (Piece("passage", "red boat", (0, 8)),))]
    with pytest.raises(QuotaExceeded):
        list(library.add(facts, texts, TENANT, max_bytes=COLLECTION_BYTES))
    library.close()
