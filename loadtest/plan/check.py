"""The simulator against what was measured: some points are fitted, the others predicted.

Of every series (a sweep of one decoder) the first, third, … point is fitted and the second, fourth,
… held out. The simulator is given how long prompts and paths were at the point that it predicts,
which is the load and not the answer, and predicts questions/s and latency.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median

from loadtest.plan.fit import BLOCK_SIZE, fit_replica, question_of_point
from loadtest.plan.model import Replica
from loadtest.plan.simulator import simulate_closed
from loadtest.scaling.measured import Measurements, Point
from measurement.tables import format_table

LEAST_QUESTIONS = 300
WAVES = 3
PREDICTED = ("questions/s", "p50", "p99")
CALM_CORES = 0.3


@dataclass(frozen=True)
class Compared:
    """A measured point beside its prediction: questions/s, p50 and p99 in ms."""

    point: Point
    is_held_out: bool
    measured: tuple[float, float, float]
    predicted: tuple[float, float, float]

    @property
    def errors(self) -> tuple[float, ...]:
        """Predicted to measured, less 1."""
        pairs = zip(self.predicted, self.measured, strict=True)
        return tuple(ours / theirs - 1 for ours, theirs in pairs)

    @property
    def is_calm(self) -> bool:
        """Whether nothing else took much of the machine, as far as that is known."""
        cores = self.point.other_cores
        return cores is not None and cores < CALM_CORES


@dataclass(frozen=True)
class Check:
    replica: Replica
    compared: Sequence[Compared]


def check(measurements: Measurements, max_num_seqs: int | None, seed: int) -> Check:
    """Fit a replica to some of the measured points, and predict all of them.

    Raises:
        TooFewPoints: the points to be fitted are too few.
    """
    answered = [point for point in measurements.points if point.latency and point.work]
    fitted, held_out = split(answered)
    replica = fit_replica(measurements, fitted, max_num_seqs)
    block = measurements.engine.block_size or BLOCK_SIZE
    compared = [
        _compare(point, replica, block, seed, is_held_out=point in held_out) for point in answered
    ]
    return Check(replica, compared)


def split(points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """Those to be fitted, and those held out."""
    fitted: list[Point] = []
    held_out: list[Point] = []
    ordered = sorted(points, key=_series)  # stable: in the order of measuring within a series
    for _, series in groupby(ordered, key=_series):
        for number, point in enumerate(series):
            (held_out if number % 2 else fitted).append(point)
    return fitted, held_out


def _series(point: Point) -> tuple[str, str]:
    return point.sweep, point.strategy


def _compare(
    point: Point, replica: Replica, block_size: int, seed: int, *, is_held_out: bool
) -> Compared:
    assert point.latency is not None
    question = question_of_point(point, block_size)
    replica = replace(replica, costs=replica.costs.of(point.strategy))
    num_questions = max(LEAST_QUESTIONS, WAVES * point.concurrency)
    simulated = simulate_closed(replica, question, point.concurrency, num_questions, seed)
    return Compared(
        point,
        is_held_out,
        (point.questions_per_s, point.latency.p50_ms, point.latency.p99_ms),
        (
            simulated.questions_per_s,
            simulated.percentile_ms(50),
            simulated.percentile_ms(99),
        ),
    )


def check_table(figures: Check) -> str:
    rows = [_row(one) for one in figures.compared]
    header = (
        *("decoder", "prompt", "branches", "clients", "", "questions/s", "predicted", "error"),
        *("p50 ms", "predicted", "error", "p99 ms", "predicted", "error"),
    )
    return format_table(header, rows)


def _row(one: Compared) -> tuple[str, ...]:
    point = one.point
    cells = [
        cell
        for measured, predicted, error in zip(one.measured, one.predicted, one.errors, strict=True)
        for cell in (_short(measured), _short(predicted), f"{100 * error:+.0f} %")
    ]
    return (
        point.strategy,
        f"{point.work.prompt_tokens:.0f}" if point.work else "–",
        str(point.branches),
        str(point.concurrency),
        "held out" if one.is_held_out else "fitted",
        *cells,
    )


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def error_sentences(compared: Sequence[Compared]) -> list[str]:
    """Median and worst, of what was held out, of those of it that nothing disturbed, and of what
    was fitted."""
    held_out = [one for one in compared if one.is_held_out]
    kinds = {
        "held out": held_out,
        f"held out while others took less than {CALM_CORES:g} cores": [
            one for one in held_out if one.is_calm
        ],
        "fitted": [one for one in compared if not one.is_held_out],
    }
    return [_errors_of(name, those) for name, those in kinds.items() if those]


def _errors_of(name: str, compared: Sequence[Compared]) -> str:
    columns = zip(*(one.errors for one in compared), strict=True)
    told = ", ".join(
        f"{what} {100 * median(errors):.0f} % ({100 * max(errors):.0f} %)"
        for what, errors in zip(
            PREDICTED, ([abs(error) for error in column] for column in columns), strict=True
        )
    )
    return f"{len(compared)} points {name}: median (worst) error of {told}"


def fitted_costs(replica: Replica) -> str:
    """The fit in words."""
    costs = replica.costs
    return (
        f"a step {1000 * costs.step_s:.2f} ms ({1000 * costs.scored_step_s:.2f} ms more with "
        f"log-probabilities), and {1000 * costs.sequence_s:.3f} ms a sequence, "
        f"{1000 * costs.prompt_token_s:.4f} ms an uncached prompt token, "
        f"{1000 * costs.path_s:.2f} ms a path, {1000 * costs.request_s:.2f} ms a question; "
        f"{1000 * costs.delay_s:.1f} ms of delay; at most {replica.max_num_seqs} sequences"
    )
