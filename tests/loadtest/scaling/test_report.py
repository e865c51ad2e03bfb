from pathlib import Path

import pytest

from loadtest.scaling.report import draw_scaling, points_table, share_of_peak
from measurement.plots import NoPlots
from tests.loadtest.scaling.points import POINT, at


def test_table_shows_every_figure_and_all_failures() -> None:
    failed = at(256, 1.5, failures={"503": 7, "timeout": 2})
    table = points_table([POINT, failed]).splitlines()
    assert table[2].split() == [
        *("plain", "60", "1", "4", "20.0", "5.0", "190", "250", "300", "400", "20", "0"),
        *("4", "0", "2500", "0.3"),
    ]
    assert "9 (7 × 503, 2 × timeout)" in table[3]


def test_point_without_an_answer_has_dashes() -> None:
    row = points_table([at(1, 0, latency=None, work=None, engine=None, memory_mb=None)])
    assert row.splitlines()[2].split().count("–") == 8


@pytest.mark.parametrize(
    ("last", "told"),
    [(45, "is 0.90 of its peak (50.0 questions/s at 64); target ≥ 0.90 held"),
     (44, "is 0.88 of its peak (50.0 questions/s at 64); target ≥ 0.90 missed")],
)  # fmt: skip
def test_share_of_peak_is_that_of_the_most_clients(last: float, told: str) -> None:
    points = [at(256, last), at(1, 10), at(64, 50), at(4, 99, sweep="branches")]
    assert share_of_peak(points, "plain") == (
        f"plain: throughput at concurrency 256 {told}; processor time of a question "
        f"{10_000 / (10 * last):.1f} ms there, 20.0 ms at the peak"
    )


def test_server_elsewhere_tells_no_processor_time() -> None:
    points = [at(1, 10, processor_time=None), at(4, 10, processor_time=None)]
    told = share_of_peak(points, "plain")
    assert told is not None
    assert told.endswith("target ≥ 0.90 held")


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert share_of_peak([POINT], "majority_vote") is None
    assert share_of_peak([at(1, 0)], "plain") == "plain: nothing was answered"


@pytest.mark.parametrize("name", ["scaling.png", "scaling.svg"])
def test_plot_is_drawn(tmp_path: Path, name: str) -> None:
    vote = [at(4, 9, sweep="branches", strategy="majority_vote", branches=n) for n in (2, 4, 8)]
    draw_scaling(tmp_path / name, [at(1, 10), at(64, 50), *vote])
    assert (tmp_path / name).stat().st_size > 5_000


def test_plot_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPlots, match=r"\.png or \.svg"):
        draw_scaling(tmp_path / "scaling.gif", [POINT])
