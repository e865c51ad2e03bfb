"""A machine whose costs are known is found again, with vLLM's counters and without."""

from dataclasses import replace

import numpy as np
import pytest

from loadtest.plan.check import check, check_table, error_sentences, split
from loadtest.plan.fit import (
    TooFewPoints,
    fit_replica,
    least_absolute,
    lengths_of,
    most_sequences,
    solve_not_negative,
)
from loadtest.plan.model import mean_longest
from loadtest.scaling.measured import Engine, Measurements, Work
from tests.loadtest.plan.simulated import COSTS, measurements
from tests.loadtest.scaling.points import POINT, at, measured


@pytest.fixture(scope="module")
def known() -> Measurements:
    return measurements()


def test_costs_are_found_again(known: Measurements) -> None:
    costs = fit_replica(known, known.points).costs
    assert costs.step_s == pytest.approx(COSTS.step_s, rel=0.02)
    assert costs.sequence_s == pytest.approx(COSTS.sequence_s, rel=0.02)
    assert costs.prompt_token_s == pytest.approx(COSTS.prompt_token_s, rel=0.02)
    assert costs.scored_step_s == pytest.approx(COSTS.scored_step_s, rel=0.05)
    assert costs.request_s == pytest.approx(COSTS.request_s, rel=0.1)
    assert costs.path_s == pytest.approx(0, abs=1e-4)


def test_held_out_points_are_predicted(known: Measurements) -> None:
    figures = check(known, None, seed=9)
    held_out = [one for one in figures.compared if one.is_held_out]
    assert len(held_out) == 3 + 3 + 3 + 2 + 1
    for one in held_out:
        assert max(map(abs, one.errors[:2])) < 0.05
    sentences = error_sentences(figures.compared)
    assert sentences[0].startswith("12 points held out: median (worst) error of questions/s ")
    assert sentences[1].startswith("12 points held out while others took less than 0.3 cores")
    assert len(check_table(figures).splitlines()) == 2 + len(known.points)


def test_without_counters_the_prediction_is_still_good() -> None:
    figures = check(measurements(has_steps=False), None, seed=9)
    errors = [abs(one.errors[0]) for one in figures.compared if one.is_held_out]
    assert sorted(errors)[len(errors) // 2] < 0.15


def test_point_that_was_disturbed_does_not_move_the_others(known: Measurements) -> None:
    points = list(known.points)
    points[5] = replace(points[5], seconds=points[5].seconds * 8)
    costs = fit_replica(known, points).costs
    assert costs.step_s == pytest.approx(COSTS.step_s, rel=0.1)
    assert costs.prompt_token_s == pytest.approx(COSTS.prompt_token_s, rel=0.1)


def test_every_other_point_of_a_series_is_held_out() -> None:
    series = [at(n, 10) for n in (1, 2, 4, 8)]
    other = [at(n, 10, sweep="branches") for n in (1, 2, 4)]
    fitted, held_out = split([*series, *other])
    assert fitted == [other[0], other[2], series[0], series[2]]
    assert held_out == [other[1], series[1], series[3]]


def test_few_or_unanswered_points_are_refused() -> None:
    unanswered = at(8, 0, latency=None, work=None)
    with pytest.raises(TooFewPoints, match=r"needs 3 points .* got 2"):
        fit_replica(measured([]), [POINT, POINT, unanswered])


def test_least_squares_without_negative_coefficients() -> None:
    """Unbounded, y = (3, 1, 1) over columns (1, 1, 1) and (0, 1, 1) is 3 and −2; bounded, the
    second is 0 and the first the mean, 5/3."""
    rows = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    assert solve_not_negative(rows, np.array([3.0, 1.0, 1.0])) == pytest.approx([5 / 3, 0])
    assert solve_not_negative(rows, np.array([1.0, 3.0, 3.0])) == pytest.approx([1, 2])


def test_least_absolute_errors_pass_through_the_majority() -> None:
    """Four rows want 0.5 and one wants 1; least squares would give 0.5625."""
    rows = np.array([[2.0], [2.0], [2.0], [2.0], [1.0]])
    assert least_absolute(rows) == pytest.approx([0.5], rel=0.01)


def test_most_sequences_are_those_told_or_seen() -> None:
    points = [at(1, 10), at(256, 10)]
    assert most_sequences(Engine(256, None, None), points) == 256
    assert most_sequences(Engine(None, None, None), points) == 4
    assert most_sequences(Engine(None, None, None), [at(1, 10, engine=None)]) == 256


def test_deviation_is_that_which_gives_the_measured_longest() -> None:
    work = Work(50, 16 * 20.0, 20.0, 12.0, 30.0)
    lengths = lengths_of(work, 16, 16)
    assert lengths.deviation < 12
    assert mean_longest(lengths.paths(16)) == pytest.approx(30, rel=0.02)
    assert lengths_of(work, 1, 16).deviation == 12
