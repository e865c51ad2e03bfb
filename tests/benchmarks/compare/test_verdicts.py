"""Ratios and targets, by numbers worked out by hand."""

import pytest

from benchmarks.compare.sides import FLOOR, PAIRS, Pair, chosen_peers
from benchmarks.compare.verdicts import compare_answers, judge
from tests.benchmarks.compare.stand_ins import a_round, label, result

OURS = label("ours", "winnow")
PEER = label("peer")
FASTER = Pair("ours", "peer", "questions/s", 2.0, needs_accuracy=True)


def test_ratio_is_that_of_pairs_of_rounds() -> None:
    """Questions/s 2, 1 and 4 against 1, 1 and 1: ratios 2, 1 and 4."""
    ours = result(OURS, a_round(1), a_round(2), a_round(0.5))
    (verdict,) = judge([FASTER], [ours, result(PEER, *[a_round(2)] * 3)])
    assert (verdict.ratio.low, verdict.ratio.median, verdict.ratio.high) == (1, 2, 4)
    assert verdict.is_met


def test_wall_time_is_held_against_the_floor_and_is_to_be_low() -> None:
    """1.1 s against 1 s of the eligible; the faster one with 0.5 s is not."""
    floor, lean = label("f", "floor", is_floor=True), label("lean", "floor")
    results = [
        result(OURS, a_round(1.1)),
        result(floor, a_round(1, right=None)),
        result(lean, a_round(0.5, right=None)),
    ]
    for bound, is_met in ((1.2, True), (1.05, False)):
        (verdict,) = judge([Pair("ours", FLOOR, "wall time", bound)], results)
        assert verdict.peer == "the f"
        assert verdict.ratio.median == pytest.approx(1.1)
        assert verdict.accuracy is None
        assert verdict.is_met is is_met


def test_target_at_equal_accuracy_is_missed_by_one_that_is_faster_and_worse() -> None:
    """30 questions that only the peer had right are no noise; 1 of 30 is."""
    peer = result(PEER, a_round(4, right=[1] * 30))
    for num_wrong, is_met in ((30, False), (1, True)):
        right = [0] * num_wrong + [1] * (30 - num_wrong)
        (verdict,) = judge([FASTER], [result(OURS, a_round(1, right=right)), peer])
        assert verdict.ratio.median == 4
        assert verdict.is_met is is_met


def test_slow_peers_are_compared_on_the_questions_that_they_were_asked() -> None:
    """Of the first two of each round, one only ours had right and one only the peer."""
    ours = [a_round(right=[1, 1, 0]), a_round(right=[0, 1, 0])]
    slow = [a_round(right=[0, 1]), a_round(right=[1, 1])]
    difference = compare_answers(ours, slow)
    assert difference is not None
    assert (difference.num_total, difference.num_only_a, difference.num_only_b) == (4, 1, 1)


def test_no_verdict_where_a_side_did_not_run_all_its_rounds() -> None:
    peer = result(PEER, a_round(), failure="gone")
    assert judge([FASTER], [result(OURS, a_round(), a_round()), peer]) == []


def test_pair_without_a_target_is_neither_met_nor_missed() -> None:
    pair = Pair("ours", "peer", "questions/s")
    (verdict,) = judge([pair], [result(OURS, a_round()), result(PEER, a_round())])
    assert verdict.is_met is None


def test_pairs_name_sides_that_there_are() -> None:
    families = ["vllm", "optillm", "its_hub", "hf", "floor"]
    peers = {peer.label.key: peer.label for peer in chosen_peers(families, 10, 16, 1)}
    for pair in PAIRS:
        assert peers[pair.ours].is_ours
        assert pair.peer == FLOOR or peers[pair.peer].task == peers[pair.ours].task
