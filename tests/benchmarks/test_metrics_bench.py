"""The parts of the benchmark of measuring that need no server."""

import pytest

from benchmarks.metrics_bench import _row, _user_rows
from benchmarks.overhead import Overhead
from benchmarks.plain import Round
from benchmarks.sparse_users import SparseUsers, Users, count_canaries, together
from measurement.statistics import paired_ratio

METRICS = """\
# TYPE winnow_canaries_total counter
winnow_canaries_total{model="m",outcome="answered",strategy="greedy"} 7.0
winnow_canaries_total{model="m",outcome="answered",strategy="cot_decoding"} 5.0
winnow_canaries_created{model="m",outcome="answered",strategy="greedy"} 1.7e+09
winnow_canaries_total{model="m",outcome="deferred",strategy="greedy"} 2.0
"""


@pytest.mark.parametrize(
    ("outcome", "expected"), [("answered", 12), ("deferred", 2), ("failed", 0)]
)
def test_canaries_are_counted_over_decoders(outcome: str, expected: int) -> None:
    assert count_canaries(METRICS, outcome) == expected


def test_rounds_of_users_are_one() -> None:
    users = together([Users((1.0, 2.0), 3, 4), Users((9.0,), 5, 6)])
    assert users == Users((1.0, 2.0, 9.0), 8, 10)
    assert (users.p50_ms, users.max_ms) == (2.0, 9.0)
    with_canaries, without = _user_rows(SparseUsers(users, Users((1.0, 1.0), 0, 0)))
    assert with_canaries[:3] == ("with canaries", "3", "2.0")
    assert without == ("without", "2", "1.0", "1.0", "1.0", "0", "0")


def test_overhead_is_of_the_measured_to_the_bare() -> None:
    watched = tuple(Round(speed, 2.0) for speed in (99.0, 99.0, 98.0))
    bare = tuple(Round(speed, 1.0) for speed in (100.0, 100.0, 100.0))
    ratio = paired_ratio([99.0, 99.0, 98.0], [100.0] * 3)
    row = _row(Overhead(16, 50, watched, bare, ratio, None))
    assert row[:5] == ("16", "3 × 50", "99.0", "100.0", "0.990")
    assert row[5] == "0.990 (0.980–0.990)"
    assert row[6:] == ("2.000", "1.000", "–", "–")
