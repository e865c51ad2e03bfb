"""What the PostgreSQL store keeps beyond the contract of all stores."""

import logging
import multiprocessing
import random
import sqlite3
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

import numpy as np
import psycopg
import pytest

from retrieval import postgres_search
from retrieval.material import Added, Collection, Document, Piece
from retrieval.postgres_database import VERSION
from retrieval.postgres_store import PostgresStore
from retrieval.store import (
    StoreBroken,
    StoreBusy,
    StoreFull,
    UnknownCollection,
    WrongVectors,
)
from tests.retrieval.material import OTHER, TENANT, document, found, made

SPAWN = multiprocessing.get_context("spawn")
NUM_SHARED = 120
WORDS = [f"w{number}" for number in range(30)]


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    yield store
    store.close()


def add_in_own_order(url: str, seed: int, barrier: Barrier) -> None:
    """What one of several processes does."""
    numbers = list(range(NUM_SHARED))
    random.Random(seed).shuffle(numbers)
    store = PostgresStore(url)
    facts = store.collection(TENANT, "facts")
    barrier.wait(60)
    for begin in range(0, NUM_SHARED, 6):
        store.add(facts, [document(f"shared fact {n}") for n in numbers[begin : begin + 6]])
        store.add(facts, [document(f"own fact {seed} {begin}")])
    store.close()


def random_texts(seed: int, num_texts: int) -> list[str]:
    """Of words that are common and words that are rare."""
    draw = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [" ".join(draw.choices(WORDS, weights, k=draw.randint(1, 40))) for _ in range(num_texts)]


def fts5_scores(texts: list[str], query: list[str]) -> list[tuple[int, float]]:
    """Number of each text that has a word of the query, with its score, best first."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5(terms, tokenize='unicode61')")
    db.executemany("INSERT INTO words (rowid, terms) VALUES (?, ?)", enumerate(texts))
    rows = db.execute(
        "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid",
        (" OR ".join(query),),
    ).fetchall()
    db.close()
    return rows


def test_processes_that_add_the_same_lose_and_repeat_nothing(
    postgres_url: str, postgres_store: PostgresStore
) -> None:
    facts = made(postgres_store)
    barrier = SPAWN.Barrier(2)
    processes = [
        SPAWN.Process(target=add_in_own_order, args=(postgres_url, seed, barrier))
        for seed in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    texts = [record.piece.text for record in postgres_store.export(facts)]
    assert len(texts) == len(set(texts)) == NUM_SHARED + 2 * NUM_SHARED // 6
    assert not postgres_store.verify().problems


def test_same_lot_at_once_is_new_to_one(postgres_store: PostgresStore) -> None:
    facts = made(postgres_store)
    lots = [[document(f"fact {n}") for n in range(40)] for _ in range(4)]
    lots[1].reverse()

    def add(lot: list[Document]) -> list[Added]:
        return postgres_store.add(facts, lot)

    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(add, lots))
    assert sorted(all(one.is_new for one in lot) for lot in added) == [False, False, False, True]
    assert sum(one.is_new for lot in added for one in lot) == 40
    assert postgres_store.count(facts) == 40


def test_collection_may_be_deleted_while_others_add(postgres_store: PostgresStore) -> None:
    facts = made(postgres_store)

    def add(number: int) -> int:
        for i in range(1000):
            try:
                postgres_store.add(facts, [document(f"fact {number} {i}")])
            except UnknownCollection:
                return i
        return 1000

    with ThreadPoolExecutor(3) as threads:
        adding = [threads.submit(add, number) for number in range(3)]
        time.sleep(0.1)
        postgres_store.delete(facts)
        assert all(one.result() < 1000 for one in adding)
    verified = postgres_store.verify()
    assert (verified.num_records, verified.problems) == (0, [])


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE winnow.records SET text = 'blue boat'", "record {} of document {}: differs"),
        ("UPDATE winnow.records SET vector = '[0, 1]'", "record {} of document {}: differs"),
        ("UPDATE winnow.documents SET source = 'elsewhere'", "document {1}: differs"),
    ],
)
def test_damaged_record_is_told_and_not_served(
    postgres_url: str,
    postgres_store: PostgresStore,
    caplog: pytest.LogCaptureFixture,
    damage: str,
    problem: str,
) -> None:
    facts = made(postgres_store, dimension=2)
    postgres_store.add(facts, [document("red boat", vectors=[(1.0, 0.0)])])
    (record,) = postgres_store.export(facts)
    with psycopg.connect(postgres_url) as db:
        db.execute(damage)
    (told,) = postgres_store.verify().problems
    assert told.startswith(problem.format(record.id, record.document_id))
    with caplog.at_level(logging.ERROR):
        assert postgres_store.records(facts, [record.id]) == []
        assert list(postgres_store.export(facts)) == []
    assert f"record {record.id} of collection {facts.id} is damaged" in caplog.text


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE winnow.collections SET tenant = 'key_b'", "differs from its hash"),
        ("UPDATE winnow.counts SET num_searched = 5", "counts 5 passages of 4 words"),
        ("DELETE FROM winnow.postings WHERE term = 'red'", "is not found as its status says"),
        ("UPDATE winnow.postings SET num_occurrences = 9", "is not found as its status says"),
        ("UPDATE winnow.records SET is_searched = false", "is not found as its status says"),
        ("UPDATE winnow.documents SET status = 'quarantined'", "differs from its hash"),
        ("DELETE FROM winnow.records", "0 records of 2"),
    ],
)
def test_whatever_was_changed_by_hand_is_told(
    postgres_url: str, postgres_store: PostgresStore, damage: str, problem: str
) -> None:
    postgres_store.add(made(postgres_store), [document("red boat", "red car")])
    assert not postgres_store.verify().problems
    with psycopg.connect(postgres_url) as db:
        db.execute(damage)
    assert problem in "\n".join(postgres_store.verify().problems)


def test_damaged_collection_is_not_given_to_whom_it_names(
    postgres_url: str, postgres_store: PostgresStore
) -> None:
    made(postgres_store)
    with psycopg.connect(postgres_url) as db:
        db.execute("UPDATE winnow.collections SET tenant = %s", (OTHER,))
    with pytest.raises(StoreBroken, match="is damaged"):
        postgres_store.collection(OTHER, "facts")


def test_at_most_a_hundred_problems_are_told(
    postgres_url: str, postgres_store: PostgresStore
) -> None:
    postgres_store.add(made(postgres_store), [document(f"fact {n}") for n in range(120)])
    with psycopg.connect(postgres_url) as db:
        db.execute("UPDATE winnow.records SET text = ''")
    problems = postgres_store.verify().problems
    assert (len(problems), problems[-1]) == (101, "and more")


@pytest.mark.parametrize("seed", range(5))
def test_words_weigh_as_in_fts5(
    postgres_url: str, postgres_store: PostgresStore, seed: int
) -> None:
    facts, texts = made(postgres_store), random_texts(seed, 60)
    add_apart(postgres_store, facts, texts)
    # What is not searched, and what is another's, has no weight.
    postgres_store.add(facts, [document("w1 w2 w2", status="quarantined")])
    postgres_store.add(made(postgres_store, tenant=OTHER), [document("w1 w2 w3", "w1 w1")])
    first = min(record.id for record in postgres_store.export(facts))
    query = random.Random(seed).sample(WORDS, 6)
    with psycopg.connect(postgres_url) as db:
        ranked = postgres_search.by_words(db, facts, "passage", query, 1000)
    expected = fts5_scores(texts, query)
    assert [record_id - first for record_id, _ in ranked] == [number for number, _ in expected]
    assert [score for _, score in ranked] == pytest.approx([s for _, s in expected], rel=1e-12)
    best = postgres_store.by_words(facts, "passage", query, 5)
    assert best == [record_id for record_id, _ in ranked[:5]]


def add_apart(store: PostgresStore, collection: Collection, texts: list[str]) -> None:
    """Each text as a document, whether or not another has the same words."""
    pieces = [Piece("passage", text, (0, n)) for n, text in enumerate(texts)]
    store.add(collection, [Document("notes.txt", tuple(pieces))])


def test_stores_may_start_at_once_on_an_empty_database(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(PostgresStore, [postgres_url] * 4))
    facts = made(stores[0])
    stores[1].add(facts, [document("red boat")])
    assert [found(store, facts, "boat") for store in stores] == [["red boat"]] * 4
    for store in stores:
        store.close()


def test_newer_database_is_refused(postgres_url: str, postgres_store: PostgresStore) -> None:
    with psycopg.connect(postgres_url) as db:
        db.execute("UPDATE winnow.version SET version = version + 1")
    says = f"of version {VERSION + 1}, this program knows version {VERSION}"
    with pytest.raises(StoreBroken, match=says):
        PostgresStore(postgres_url)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://winnow:s3cret@127.0.0.1:1/none", StoreBusy),
        ("postgresql:///none?host=/nowhere&user=winnow&password=s3cret", StoreBusy),
        ("postgresql://winnow:s3cret@nowhere.invalid/none", StoreBusy),
        ("postgresql://winnow:p@s3cret@127.0.0.1:1/none", StoreBroken),
        ("postgresql://winnow:5/s3cret@127.0.0.1:1/none", StoreBroken),
        ("postgresql://winnow:s3cret/5@127.0.0.1:1/none", StoreBroken),
        ("postgresql://winnow:s3cret@127.0.0.1:port/none", StoreBroken),
        ("postgresql://winnow:%zzs3cret@127.0.0.1/none", StoreBroken),
    ],
)
def test_wrong_address_is_told_soon_and_without_its_password(
    url: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    begun = time.monotonic()
    with pytest.raises(error) as failure:
        PostgresStore(url)
    assert time.monotonic() - begun < 10
    told = "".join(traceback.format_exception(failure.value))
    assert "s3cret" not in told + caplog.text


def test_server_that_closed_our_connections_is_connected_to_again(
    postgres_url: str, postgres_store: PostgresStore
) -> None:
    facts = made(postgres_store)
    with psycopg.connect(postgres_url) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
    postgres_store.add(facts, [document("red boat")])
    assert postgres_store.count(facts) == 1


def test_writer_that_waits_too_long_is_told_so(
    postgres_url: str, postgres_store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.postgres_database.LOCK_TIMEOUT", "SET lock_timeout = 50")
    facts = made(postgres_store)
    impatient = PostgresStore(postgres_url)
    with psycopg.connect(postgres_url) as db:
        db.execute("SELECT * FROM winnow.collections FOR UPDATE")
        with pytest.raises(StoreBusy, match="lock timeout"):
            impatient.add(facts, [document("red boat")])
        assert impatient.count(facts) == 0  # who only reads does not wait
    impatient.close()


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (psycopg.errors.DiskFull, StoreFull),
        (psycopg.errors.ForeignKeyViolation, UnknownCollection),
        (psycopg.errors.AdminShutdown, StoreBusy),
        (psycopg.errors.DeadlockDetected, StoreBusy),
        (psycopg.errors.TooManyConnections, StoreBusy),
        (psycopg.errors.UndefinedTable, StoreBroken),
    ],
)
def test_what_failed_half_way_is_told_and_nothing_kept(
    postgres_store: PostgresStore,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[psycopg.Error],
    error: type[Exception],
) -> None:
    facts = made(postgres_store)

    def fail(*_: object) -> None:
        raise failure("no more")

    with monkeypatch.context() as patched:
        patched.setattr("retrieval.postgres_rows.add_words", fail)
        with pytest.raises(error):
            postgres_store.add(facts, [document("red boat")])
    assert postgres_store.documents(facts, 10) == []
    assert not postgres_store.verify().problems


def test_nul_characters_are_replaced(postgres_store: PostgresStore) -> None:
    facts = made(postgres_store, name="fa\0cts")
    solved = Piece("exemplar", "3 \0", None, "T\0om?", "8\0")
    given = Document("no\0tes", (solved,), "ke\0y")
    (added,) = postgres_store.add(facts, [given])
    (record,) = postgres_store.records(facts, [next(postgres_store.export(facts)).id])
    assert record.piece == Piece("exemplar", "3 \ufffd", None, "T\ufffdom?", "8\ufffd")
    assert postgres_store.known(facts, [given]) == [True]
    assert not postgres_store.add(facts, [given])[0].is_new
    assert added.is_new
    assert postgres_store.collection(TENANT, "fa\0cts").id == facts.id
    assert postgres_store.delete_documents(facts, source="no\0tes", key="ke\0y") == 1
    assert not postgres_store.verify().problems


def test_vectors_come_back_to_the_last_bit(postgres_store: PostgresStore) -> None:
    facts = made(postgres_store, dimension=384)
    rows = np.random.default_rng(0).normal(size=(50, 384))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    texts = [f"fact {n}" for n in range(50)]
    postgres_store.add(facts, [document(*texts, vectors=vectors.tolist())])
    ids = [record.id for record in postgres_store.export(facts)]
    expected = vectors @ vectors[7]
    nearest = postgres_store.by_vector(facts, "passage", vectors[7], 10)
    assert [i for i, _ in nearest] == [ids[n] for n in np.argsort(-expected)[:10]]
    assert [cosine for _, cosine in nearest] == pytest.approx(
        np.sort(expected)[::-1][:10].tolist(), abs=1e-6
    )
    assert not postgres_store.verify().problems


def test_vector_that_is_no_number_is_refused(postgres_store: PostgresStore) -> None:
    facts = made(postgres_store, dimension=2)
    with pytest.raises(WrongVectors, match="no numbers"):
        postgres_store.add(facts, [document("a", vectors=[(float("nan"), 0.0)])])
