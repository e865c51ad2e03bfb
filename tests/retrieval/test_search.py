import numpy as np
import pytest

from retrieval.material import Document, Piece
from retrieval.search import floor_of, fuse
from retrieval.store import Store
from tests.retrieval.material import document, found, hits, made

EAST = np.array((1.0, 0.0), np.float32)


def test_fusion_prefers_what_both_rankings_have() -> None:
    """7: 1/62 + 1/61; 5: 1/61; 9: 1/62 alone."""
    assert fuse([[5, 7], [7, 9]]) == [7, 5, 9]


def test_equal_sums_go_by_id() -> None:
    assert fuse([[9, 4], [4, 9]]) == [4, 9]
    assert fuse([[], []]) == []


def test_floor_keeps_what_is_not_relevant_out(store: Store) -> None:
    facts, floor = made(store), floor_of(None, None)
    store.add(facts, [document("A kite costs 52 dollars."), document("The market is far away.")])
    assert found(store, facts, "What does a kite cost?", floor) == ["A kite costs 52 dollars."]
    assert found(store, facts, "Who won the war of 1812?", floor) == []
    assert found(store, facts, "kite", 0.99) == []


def test_floor_is_what_is_asked_for_or_suits_the_similarity() -> None:
    assert floor_of(EAST, 0.0) == floor_of(None, 0.0) == 0.0
    assert 0 < floor_of(None, None) < floor_of(EAST, None) < 1


def test_hybrid_finds_by_word_what_the_vectors_miss_and_the_reverse(store: Store) -> None:
    facts = made(store, dimension=2)
    store.add(
        facts,
        [
            document("red boat", vectors=[(0.6, 0.8)]),
            document("crimson ship", vectors=[(1, 0)]),
            document("blue sky", vectors=[(0, 1)]),
        ],
    )
    best = hits(store, facts, "red boat", EAST, floor=0.5)
    assert [(h.record.piece.text, round(h.score, 3)) for h in best] == [
        ("red boat", 0.6),
        ("crimson ship", 1.0),
    ]


def test_solved_problem_is_found_by_its_problem_among_its_kind(store: Store) -> None:
    facts = made(store)
    solved = Piece("exemplar", "Sold: 2 * 8 = 16.", None, "A farm sells ducks. How many?", "16")
    store.add(facts, [Document("memory", (solved,)), document("Many ducks are sold.")])
    (hit,) = hits(store, facts, "How many ducks are sold?", kind="exemplar")
    passage = hit.passage()
    assert passage.note == "Q: A farm sells ducks. How many?\nA: Sold: 2 * 8 = 16."
    assert passage.id == f"rec_{hit.record.id}"
    assert found(store, facts, "How many ducks are sold?") == ["Many ducks are sold."]


def test_as_many_as_asked_for_are_given(store: Store) -> None:
    facts = made(store)
    store.add(facts, [document(f"red boat {i}") for i in range(40)])
    for limit in (0, 3, 30):
        assert len(hits(store, facts, "red boat", limit=limit)) == limit


@pytest.mark.parametrize("query", ['" OR 1', "terms: NEAR(a b)", "*", "- ^ ( )", "\0", "AND"])
def test_query_is_text_and_no_search_language(store: Store, query: str) -> None:
    facts = made(store)
    store.add(facts, [document("red boat")])
    assert found(store, facts, query, 0.1) == []
