"""Figures of both load generators, by numbers worked out by hand."""

from typing import Any

import pytest

from benchmarks.compare.failures import PeerFailed
from benchmarks.crosscheck.command import figures_table
from benchmarks.crosscheck.figures import Figures, medians, percentile
from benchmarks.crosscheck.guidellm import read_report


def test_percentile_is_the_smallest_that_so_many_do_not_exceed() -> None:
    values = [float(n) for n in range(20, 0, -1)]
    assert percentile(values, 50) == 10
    assert percentile(values, 95) == 19
    assert percentile([3.0], 50) == percentile([3.0], 95) == 3
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_medians_are_taken_figure_by_figure() -> None:
    runs = [Figures(1, 9, 3, 4, 5), Figures(2, 8, 3, 4, 5), Figures(7, 1, 3, 4, 5)]
    assert medians(runs) == Figures(2, 8, 3, 4, 5)


def test_table_has_ours_beside_theirs() -> None:
    ours, theirs = Figures(50, 20, 30, 4, 5), Figures(25, 40, 30, 4, 5)
    rows = figures_table([ours], [theirs]).splitlines()[2:]
    assert rows[0].split() == ["requests_per_s", "50.00", "25.00", "2.000", "(2.000–2.000)"]
    assert rows[1].split()[:3] == ["latency_p50_ms", "20.00", "40.00"]


def a_report(successful: int, errored: int) -> dict[str, Any]:
    totals = {"successful": successful, "errored": errored, "total": successful + errored}

    def spread(p50: float, p95: float) -> dict[str, Any]:
        return {"successful": {"percentiles": {"p50": p50, "p95": p95}}}

    metrics = {
        "request_totals": totals,
        "requests_per_second": {"successful": {"mean": 12.5}},
        "request_latency": spread(0.25, 0.5),
        "time_to_first_token_ms": spread(30, 60),
    }
    return {"benchmarks": [{"metrics": metrics}]}


def test_guidellms_seconds_become_milliseconds() -> None:
    assert read_report(a_report(8, 0)) == Figures(12.5, 250, 500, 30, 60)


@pytest.mark.parametrize(("successful", "errored"), [(7, 1), (0, 0)])
def test_report_with_failed_requests_is_no_figure(successful: int, errored: int) -> None:
    with pytest.raises(PeerFailed, match=f"{errored} of {successful + errored}"):
        read_report(a_report(successful, errored))
