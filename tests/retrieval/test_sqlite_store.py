"""What the SQLite store keeps when processes die, files are damaged and disks are full."""

import logging
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from retrieval.sqlite_store import SQLiteStore
from retrieval.store import StoreBroken, StoreBusy, StoreFull
from tests.retrieval.material import TENANT, document, found, made
from tests.server.collections.ingesting import LOT, PIECES

EAST = (1.0, 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "collections.sqlite3"


def raw(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


def ingest(path: Path, first: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.server.collections.ingesting", str(path), str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def read_lots(process: "subprocess.Popen[str]", num_lots: int) -> list[int]:
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(num_lots)]


def lots_in(path: Path) -> Counter[str]:
    """How many records of each lot there are; all of them sound."""
    store = SQLiteStore(path)
    assert store.verify().problems == []
    records = list(store.export(store.collection(TENANT, "facts")))
    store.close()
    return Counter(record.source for record in records)


def test_killed_ten_times_it_loses_nothing_and_keeps_no_half(path: Path) -> None:
    store = SQLiteStore(path)
    made(store, dimension=2)
    store.close()
    rng = random.Random(1)
    acknowledged: list[int] = []
    for round_number in range(10):
        process = ingest(path, 1000 * round_number)
        acknowledged += read_lots(process, rng.randint(1, 20))
        process.kill()
        acknowledged += map(int, process.communicate()[0].split())
    lots = lots_in(path)
    assert set(map(str, acknowledged)) <= lots.keys()
    assert set(lots.values()) == {LOT * PIECES}


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    store = SQLiteStore(path)
    made(store, dimension=2)
    store.close()
    writers = [ingest(path, first) for first in (0, 1000)]
    acknowledged = [number for writer in writers for number in read_lots(writer, 30)]
    for writer in writers:
        writer.kill()
        acknowledged += map(int, writer.communicate()[0].split())
    lots = lots_in(path)
    assert set(map(str, acknowledged)) <= lots.keys()
    assert set(lots.values()) == {LOT * PIECES}


def test_what_was_added_is_there_after_a_restart(path: Path) -> None:
    store = SQLiteStore(path)
    store.add(made(store), [document("red boat")])
    store.close()
    again = SQLiteStore(path)
    assert found(again, again.collection(TENANT, "facts"), "boat") == ["red boat"]
    again.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE records SET text = 'blue boat'",
        "UPDATE records SET question = 'x'",
        "UPDATE records SET vector = zeroblob(8)",
        "UPDATE documents SET source = 'elsewhere'",
        "UPDATE documents SET key = 'key_b'",
    ],
)
def test_damaged_record_is_reported_and_never_served(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore(path)
    facts = made(store, dimension=2)
    store.add(facts, [document("red boat", vectors=[EAST])])
    raw(path, damage)
    with caplog.at_level(logging.ERROR):
        assert found(store, facts, "boat") == []
    assert "is damaged and not served" in caplog.text
    assert list(store.export(facts)) == []
    (problem,) = store.verify().problems
    assert "differs from its hash" in problem
    store.close()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE collections SET name = 'other'", "collection 1: differs from its hash"),
        ("DELETE FROM records WHERE id = 2", "document 1: 1 records of 2"),
        ("INSERT INTO words_1_passage (rowid, terms) VALUES (9, 'x')", "words of 1 passages"),
        (
            "INSERT INTO words_1_passage (words_1_passage, rowid, terms) "
            "VALUES ('delete', 1, 'red boat')",
            "record 1: its words are not as its status says",
        ),
    ],
)
def test_verify_tells_what_does_not_fit(path: Path, damage: str, says: str) -> None:
    store = SQLiteStore(path)
    store.add(made(store), [document("red boat", "blue car")])
    raw(path, damage)
    assert any(says in problem for problem in store.verify().problems)
    store.close()


def test_overwritten_bytes_are_found(path: Path) -> None:
    """Whatever is hit: SQLite's own structure, or a row."""
    store = SQLiteStore(path)
    facts = made(store)
    texts = [f"boat number {i} is red" for i in range(400)]
    store.add(facts, [document(*texts)])
    store.close()
    sound = path.read_bytes()
    rng = random.Random(2)
    for _ in range(30):
        place = rng.randrange(4096, len(sound) - 64)
        path.write_bytes(sound[:place] + rng.randbytes(64) + sound[place + 64 :])
        assert _is_noticed(path, texts)
    path.write_bytes(sound)


def _is_noticed(path: Path, texts: list[str]) -> bool:
    """Either a problem is told, or everything is served as it was: the bytes were of no use."""
    try:
        store = SQLiteStore(path)
        try:
            if store.verify().problems:
                return True
            facts = store.collection(TENANT, "facts")
            return [record.piece.text for record in store.export(facts)] == texts
        finally:
            store.close()
    except StoreBroken:
        return True


def test_full_disk_keeps_nothing_of_what_did_not_fit(path: Path) -> None:
    store = SQLiteStore(path)
    facts = made(store)
    store.add(facts, [document("red boat")])
    num_pages = path.stat().st_size // 4096 + 8
    store._writer.submit(
        lambda: store._connection().execute(f"PRAGMA max_page_count = {num_pages}")
    ).result()
    with pytest.raises(StoreFull, match="is full; nothing of it was kept"):
        store.add(facts, [document("small"), document(*[f"{i} " * 400 for i in range(200)])])
    assert [record.piece.text for record in store.export(facts)] == ["red boat"]
    assert store.verify().problems == []
    store.add(facts, [document("green boat")])  # goes on as soon as there is room
    store.close()


def test_locked_file_is_told(path: Path) -> None:
    store = SQLiteStore(path, busy_timeout_s=0.1)
    facts = made(store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="locked by another process"):
        store.add(facts, [document("red boat")])
    assert found(store, facts, "boat") == []  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    store.add(facts, [document("red boat")])
    store.close()


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"hello" * 1000, "cannot be used"), (b"", None)],
    ids=["rubbish", "empty"],
)
def test_file_that_is_no_store_is_told(tmp_path: Path, content: bytes, says: str | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    if says is None:
        SQLiteStore(path).close()
        return
    with pytest.raises(StoreBroken, match=says):
        SQLiteStore(path)
    assert path.read_bytes() == content


def test_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    raw(path, "CREATE TABLE t (x)")
    with pytest.raises(StoreBroken, match="of something else"):
        SQLiteStore(path)


def test_store_of_a_newer_version_is_refused(path: Path) -> None:
    SQLiteStore(path).close()
    raw(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreBroken, match="of version 99"):
        SQLiteStore(path)


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreBroken):
        SQLiteStore(tmp_path / "file" / "collections.sqlite3")
