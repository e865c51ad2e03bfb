"""The tables, by numbers worked out by hand."""

from benchmarks.compare.sides import Pair
from benchmarks.compare.start_up import StartUp
from benchmarks.compare.tables import ratios_table, sides_table, start_up_table
from benchmarks.compare.verdicts import judge
from measurement.statistics import paired_ratio
from tests.benchmarks.compare.stand_ins import a_round, label, result

OURS, PEER = label("ours", "winnow"), label("peer")


def test_side_shows_medians_and_spreads() -> None:
    """Two questions in 1, 2 and 4 s, of which 2, 1 and 0 right; 10 tokens each round."""
    rounds = [a_round(1, [1, 1]), a_round(2, [1, 0]), a_round(4, [0, 0])]
    row = sides_table([result(OURS, *rounds)]).splitlines()[2]
    assert "50.0 % (18.8–81.2)" in row
    assert "1.00 (0.50–2.00)" in row, "questions/s"
    assert "0.50 (0.00–2.00)" in row, "right answers/s"
    assert "5.0" in row.split(), "tokens/question"


def test_floor_is_marked_and_has_no_answers() -> None:
    floor = label("f", "floor", is_floor=True)
    row = sides_table([result(floor, a_round(right=None, num_tokens=None))]).splitlines()[2]
    assert "THE FLOOR" in row
    assert row.count("–") >= 4, "right, right answers/s, tokens and the spread"


def test_peer_that_did_not_run_is_a_row_that_says_why() -> None:
    table = sides_table([result(OURS, a_round()), result(PEER, failure="no such wheel")])
    assert table.splitlines()[-1] == "the peer: cannot run here: no such wheel"


def test_ratios_say_whether_the_target_is_met() -> None:
    results = [result(OURS, a_round(1)), result(PEER, a_round(2))]
    pairs = [Pair("ours", "peer", "questions/s", bound) for bound in (2.0, 3.0)]
    rows = ratios_table(judge(pairs, results), None).splitlines()[2:]
    assert [row.split()[-1] for row in rows] == ["yes", "NO"]
    assert "2.000 (2.000–2.000)" in rows[0]
    assert "≥ 3.00" in rows[1]


def test_start_up_is_held_against_its_own_target() -> None:
    """11 and 13 s against 10 and 10: a median ratio of 1.2."""
    start_up = StartUp((11, 13), (10, 10), paired_ratio([11, 13], [10, 10]))
    assert "12.00 (11.00–13.00)" in start_up_table(start_up)
    row = ratios_table([], start_up).splitlines()[-1]
    assert "1.200 (1.100–1.300)" in row
    assert row.split()[-1] == "NO"
