"""Which of the offline ways is the floor."""

from benchmarks.compare.floor import choose_floor, floor_peers
from tests.benchmarks.compare.stand_ins import a_round, label


def test_floor_has_the_servers_admission_and_the_plain_call() -> None:
    eligible = [peer.label.name for peer in floor_peers() if peer.label.is_floor]
    assert eligible == [
        "LLM.generate, paths, server's admission, plain",
        "LLM.generate, by n, server's admission, plain",
        "LLM.generate, by requests, server's admission, plain",
    ]


def test_every_way_has_a_key_of_its_own() -> None:
    keys = [peer.label.key for peer in floor_peers()]
    assert len(set(keys)) == len(keys) == 4 + 8


def test_floor_is_the_fastest_by_its_median_of_those_that_may_be_it() -> None:
    """Medians 3, 2 and 1 s; the last may not be the floor, and the first has the fastest round."""
    by_n, by_requests = label("n", "floor", is_floor=True), label("r", "floor", is_floor=True)
    lean = label("lean", "floor")
    rounds = [
        (by_n, [a_round(wall_s) for wall_s in (0.5, 3, 4)]),
        (by_requests, [a_round(wall_s) for wall_s in (2, 2, 9)]),
        (lean, [a_round(1)] * 3),
    ]
    assert choose_floor(rounds) == by_requests


def test_there_is_no_floor_where_none_ran() -> None:
    assert choose_floor([(label("n", "floor", is_floor=True), []), (label("a"), [])]) is None
