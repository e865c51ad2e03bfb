"""Turns, and peers that fail."""

from pathlib import Path

import pytest

from benchmarks.compare.rounds import (
    NUM_SLOW_WARM_UP,
    NUM_WARM_UP,
    OursFailed,
    Result,
    Sizes,
    measure,
)
from measurement.child_process import ChildFailed
from tests.benchmarks.compare.stand_ins import BROKEN, PROBLEMS, StandIn, a_setting, label

Asked = list[tuple[str, list[str]]]


def sizes(rounds: int = 2, questions: int = 3, slow: int = 1) -> Sizes:
    return Sizes(rounds, {"greedy": questions, "cot": questions, "vote": questions}, slow)


def run(
    tmp_path: Path, *peers: StandIn, how: Sizes | None = None, told: list[str] | None = None
) -> list[Result]:
    told = [] if told is None else told
    return measure(peers, a_setting(tmp_path), PROBLEMS, how or sizes(), told.append)


def test_every_other_round_is_taken_the_other_way_round(tmp_path: Path) -> None:
    asked: Asked = []
    run(tmp_path, *(StandIn(label(key), asked) for key in "abc"), how=sizes(rounds=3))
    assert [key for key, _ in asked] == [*"abc", *"abc", *"cba", *"abc"]


def test_all_are_asked_the_same_questions_and_slow_ones_the_first_of_them(tmp_path: Path) -> None:
    asked: Asked = []
    fast, slow = StandIn(label("fast"), asked), StandIn(label("slow", is_slow=True), asked)
    run(tmp_path, fast, slow)
    warm_up, rounds = asked[:2], asked[2:]
    assert [len(questions) for _, questions in warm_up] == [NUM_WARM_UP, NUM_SLOW_WARM_UP]
    assert rounds == [
        *[("fast", ["0", "1", "2"]), ("slow", ["0"])],
        *[("slow", ["3"]), ("fast", ["3", "4", "5"])],
    ]


def test_peer_that_cannot_be_prepared_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    asked: Asked = []
    broken = StandIn(label("broken"), asked, cannot_prepare=BROKEN)
    told: list[str] = []
    results = run(tmp_path, broken, StandIn(label("sound"), asked), told=told)
    assert results[0].failure == "cannot be installed: no such wheel"
    assert results[0].rounds == ()
    assert results[1].failure is None
    assert len(results[1].rounds) == 2
    about = [line for line in told if "the broken" in line]
    assert about == [
        "preparing: the broken",
        "the broken cannot run here: cannot be installed: no such wheel",
    ]


def test_peer_that_fails_on_its_way_is_asked_no_more(tmp_path: Path) -> None:
    asked: Asked = []
    failure = ChildFailed("the worker ended; the end of its log:\nValueError: no such token\nBye")
    peer = StandIn(label("peer"), asked, failing={2: failure})
    (result,) = run(tmp_path, peer, how=sizes(rounds=3))
    assert result.failure == "no such token"
    assert len(result.rounds) == 1
    assert len(asked) == 3, "warm-up, a round, and the one that failed"


def test_ours_may_not_fail(tmp_path: Path) -> None:
    ours = StandIn(label("ours", "winnow"), [], failing={1: BROKEN})
    with pytest.raises(OursFailed, match="the ours: cannot be installed"):
        run(tmp_path, ours)


def test_fault_of_the_benchmark_is_no_failure_of_a_peer(tmp_path: Path) -> None:
    peer = StandIn(label("peer"), [], failing={0: KeyError("wall_s")})
    with pytest.raises(KeyError):
        run(tmp_path, peer)
