"""What every store keeps."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retrieval.material import Document, Piece
from retrieval.store import (
    CollectionExists,
    Store,
    UnknownCollection,
    WrongVectors,
)
from tests.retrieval.material import OTHER, TENANT, document, found, made

EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (0.8, 0.6)


def test_collection_is_its_tenants_alone(store: Store) -> None:
    own = made(store)
    assert store.collection(TENANT, "facts") == own
    assert store.collections(OTHER) == []
    with pytest.raises(UnknownCollection, match='no collection "facts"'):
        store.collection(OTHER, "facts")
    other = made(store, tenant=OTHER)
    assert other.id != own.id
    assert store.collections(TENANT) == [own]


def test_name_is_given_once(store: Store) -> None:
    made(store)
    with pytest.raises(CollectionExists):
        made(store)


def test_documents_are_found_by_their_words(store: Store) -> None:
    facts = made(store)
    store.add(facts, [document("The market is 5 miles away."), document("A kite costs 52 dollars")])
    assert found(store, facts, "How far away is the market?") == ["The market is 5 miles away."]
    assert found(store, facts, "kites") == ["A kite costs 52 dollars"]  # by their stems
    assert found(store, facts, "zebra") == []


def test_content_that_is_there_is_not_stored_again(store: Store) -> None:
    facts = made(store)
    first, again, new = store.add(
        facts, [document("a b"), document("a b", source="elsewhere.txt"), document("c")]
    )
    assert (first.is_new, again.is_new, new.is_new) == (True, False, True)
    assert (again.document_id, again.source) == (first.document_id, "notes.txt")
    assert store.known(facts, [document("a b"), document("d"), document("c")]) == [
        True,
        False,
        True,
    ]
    assert store.count(facts) == 2


def test_records_come_back_as_they_were_given(store: Store) -> None:
    facts = made(store)
    solved = Piece("exemplar", "3 + 5 = 8", None, "Tom has 3 and 5. How many?", "8")
    (added,) = store.add(facts, [Document("memory", (solved,), "key_c")])
    (record,) = store.export(facts)
    assert (record.piece, record.source, record.key) == (solved, "memory", "key_c")
    assert (record.document_id, record.status) == (added.document_id, "active")
    assert store.records(facts, [record.id, 10**9]) == [record]


def test_records_of_another_collection_are_not_given(store: Store) -> None:
    facts, others = made(store), made(store, "others")
    store.add(others, [document("secret")])
    (record,) = store.export(others)
    assert store.records(facts, [record.id]) == []


def test_words_of_other_collections_do_not_weigh(store: Store) -> None:
    """Ranks and scores are the same whatever another tenant stores."""
    facts = made(store)
    store.add(facts, [document("red boat"), document("red red car"), document("blue boat")])
    before = found(store, facts, "red boat"), store.frequencies(facts, "passage", ["red", "boat"])
    other = made(store, tenant=OTHER)
    store.add(other, [document(f"red boat {i}") for i in range(50)])
    assert (
        found(store, facts, "red boat"),
        store.frequencies(facts, "passage", ["red", "boat"]),
    ) == before


def test_frequencies_count_records_with_the_term(store: Store) -> None:
    facts = made(store)
    store.add(facts, [document("red red boat", "red car"), document("boat")])
    frequencies = store.frequencies(facts, "passage", ["red", "boat", "moon"])
    assert frequencies.num_records == 3
    assert frequencies.by_term == {"red": 2, "boat": 2}


def test_nearest_vectors_come_first(store: Store) -> None:
    facts = made(store, dimension=2)
    store.add(facts, [document("e", "b", "n", vectors=[EAST, BETWEEN, NORTH])])
    _, b, n = (record.id for record in store.export(facts))
    nearest = store.by_vector(facts, "passage", np.array(NORTH, np.float32), 2)
    assert [record_id for record_id, _ in nearest] == [n, b]
    assert [cosine for _, cosine in nearest] == pytest.approx([1, 0.6])
    assert store.cosines(
        facts, "passage", np.array(EAST, np.float32), [b, n, 10**9]
    ) == pytest.approx([0.8, 0, 0])
    store.add(facts, [document("later", vectors=[(0.6, 0.8)])])
    assert len(store.by_vector(facts, "passage", np.array(NORTH, np.float32), 10)) == 4


def test_equal_vectors_come_in_the_order_of_their_ids(store: Store) -> None:
    facts = made(store, dimension=2)
    store.add(facts, [document(*"abcdef", vectors=[EAST] * 6)])
    ids = [record.id for record in store.export(facts)]
    assert [i for i, _ in store.by_vector(facts, "passage", np.array(EAST, np.float32), 3)] == ids[
        :3
    ]


def test_vectors_must_be_as_the_collections_are(store: Store) -> None:
    facts, plain = made(store, dimension=2), made(store, "plain")
    for wrong in (
        document("a"),
        document("a", vectors=[(1, 0, 0)]),
        document("a", vectors=[EAST] * 2),
    ):
        with pytest.raises(WrongVectors, match="are needed"):
            store.add(facts, [document("good", vectors=[EAST]), wrong])
    with pytest.raises(WrongVectors):
        store.add(plain, [document("a", vectors=[EAST])])
    assert list(store.export(facts)) == []  # all or nothing


def test_deleted_documents_are_gone_from_every_search(store: Store) -> None:
    facts = made(store, dimension=2)
    kept, dropped = store.add(
        facts,
        [
            document("red boat", source="a", vectors=[EAST]),
            document("red car", source="b", vectors=[NORTH]),
        ],
    )
    north = np.array(NORTH, np.float32)
    assert len(store.by_vector(facts, "passage", north, 10)) == 2
    assert store.delete_documents(facts, document_id=dropped.document_id) == 1
    assert len(store.by_vector(facts, "passage", north, 10)) == 1
    assert store.frequencies(facts, "passage", ["red", "car"]).by_term == {"red": 1}
    assert [d.id for d in store.documents(facts, 10)] == [kept.document_id]
    assert store.delete_documents(facts, document_id=dropped.document_id) == 0
    assert not store.verify().problems


def test_documents_are_deleted_by_source_and_by_key(store: Store) -> None:
    facts = made(store)
    for source, key in (("a", "k1"), ("b", "k1"), ("b", "k2")):
        store.add(facts, [document(f"{source} {key}", source=source, key=key)])
    assert store.delete_documents(facts, source="b", key="k2") == 1
    assert store.delete_documents(facts, key="k1") == 2
    assert store.documents(facts, 10) == []


def test_documents_are_listed_in_pages(store: Store) -> None:
    facts = made(store)
    store.add(facts, [document(f"text {i}") for i in range(5)])
    first = store.documents(facts, 3)
    rest = store.documents(facts, 3, after=first[-1].id)
    assert [d.num_records for d in (*first, *rest)] == [1] * 5
    assert len({d.id for d in (*first, *rest)}) == 5


def test_quarantined_document_is_kept_and_not_found(store: Store) -> None:
    facts = made(store, dimension=2)
    waiting = document("red boat", status="quarantined", source="r1", vectors=[EAST])
    (added,) = store.add(facts, [waiting])
    east = np.array(EAST, np.float32)
    assert found(store, facts, "red boat") == []
    assert (store.by_vector(facts, "passage", east, 5), store.count(facts)) == ([], 0)
    assert [piece.text for piece in store.pieces(facts, added.document_id)] == ["red boat"]
    assert store.delete_documents(facts, document_id=added.document_id) == 1
    assert store.pieces(facts, added.document_id) == []
    assert not store.verify().problems


def test_what_is_quarantined_stands_apart_from_its_like(store: Store) -> None:
    """The same text may wait under two sources, and be active beside."""
    facts = made(store)
    added = store.add(
        facts,
        [
            document("a b"),
            document("a b", status="quarantined", source="r1"),
            document("a b", status="quarantined", source="r2"),
            document("a b", status="quarantined", source="r2"),
        ],
    )
    assert [one.is_new for one in added] == [True, True, True, False]


def test_documents_are_listed_by_source_key_and_status(store: Store) -> None:
    facts = made(store)
    store.add(
        facts,
        [
            document("1", source="a", key="k1"),
            document("2", source="b", key="k1", status="quarantined"),
            document("3", source="b", key="k2"),
        ],
    )
    assert [d.key for d in store.documents(facts, 10, source="b")] == ["k1", "k2"]
    assert [d.source for d in store.documents(facts, 10, key="k1", status="quarantined")] == ["b"]
    assert store.documents(facts, 10, source="a", key="k2") == []
    store.add(facts, [document("4", source="bc%", key="k2")])
    by_prefix = store.documents(facts, 10, source_prefix="b", key="k2")
    assert [d.source for d in by_prefix] == ["b", "bc%"]
    assert [d.source for d in store.documents(facts, 10, source_prefix="bc%")] == ["bc%"]
    assert store.documents(facts, 10, source_prefix="_") == []


def test_deleted_collection_takes_all_with_it(store: Store) -> None:
    facts = made(store)
    store.add(facts, [document("red boat")])
    store.delete(facts)
    with pytest.raises(UnknownCollection):
        store.collection(TENANT, "facts")
    with pytest.raises(UnknownCollection):
        store.add(facts, [document("late")])
    with pytest.raises(UnknownCollection):
        found(store, facts, "red boat")
    again = made(store)
    assert found(store, again, "red boat") == []
    assert not store.verify().problems


def test_many_threads_write_and_read_at_once(store: Store) -> None:
    facts = made(store)
    barrier = threading.Barrier(8)

    def write(number: int) -> None:
        barrier.wait()
        for i in range(20):
            store.add(facts, [document(f"red boat {number} {i}")])
            assert found(store, facts, "boat")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert store.count(facts) == 160
    assert not store.verify().problems
