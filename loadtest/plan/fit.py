"""Costs of the user's own machine, from what `loadtest scale` measured there.

With N clients in a closed loop a question takes R = N / X seconds (Little). In that time the engine
makes all of its steps, the tokens and prompts of N questions are worked off, and the question's own
delay passes once. Divided by R, every measured point is a row of

    1 = steps/s · a + scored steps/s · s + tokens/s · c + prompt tokens/s · d + paths/s · e
        + questions/s · g + h / R

which is solved for costs that are not negative: relative errors count, of short questions and of
long ones alike. Least squares are solved again and again with each point's weight the inverse of
its last error, which comes to least absolute errors: a point that was measured while something else
had the processors shall not move the others.

Scored steps are those of decoders that read log-probabilities. The API server has no column of its
own: what of it is not hidden behind the engine is in e and g. Where /metrics told no steps, they
are taken to be as many as the longest path has tokens, or all tokens divided by `max_num_seqs`
where that is more.

How much the paths of a question differ in length is taken from its longest: of lengths with two
humps the deviation would say too much, and of questions that differ from each other, too.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loadtest.plan.model import Costs, Replica, mean_longest
from loadtest.plan.question import SCORED, Lengths, Question, question_of
from loadtest.scaling.measured import Engine, Measurements, Point, Work

BLOCK_SIZE = 16
"""vLLM's default on GPUs, where the measurements name none."""
MAX_NUM_BATCHED_TOKENS = 2048
"""vLLM 0.32's default of a server on CPUs and small GPUs."""
LEAST_POINTS = 3
NUM_ROUNDS = 12
SMALL_ERROR = 0.03
"""Errors below it count alike."""

NUM_HALVINGS = 20
MOST_DEVIATION = 4.0
"""In means."""

Row = tuple[float, float, float, float, float, float, float]


class TooFewPoints(Exception):
    """The message says how many are needed."""


def fit_replica(
    measurements: Measurements, points: Sequence[Point], max_num_seqs: int | None = None
) -> Replica:
    """What the machine of the measurements is, by those of its points that are given.

    Raises:
        TooFewPoints: with an answered question there are less than three.
    """
    usable = [point for point in points if point.num_answered and point.work]
    if len(usable) < LEAST_POINTS:
        raise TooFewPoints(
            f"a fit needs {LEAST_POINTS} points with answered questions, got {len(usable)}"
        )
    engine = measurements.engine
    most = max_num_seqs or most_sequences(engine, measurements.points)
    block = engine.block_size or BLOCK_SIZE
    rows = np.array([_row(point, most, block) for point in usable])
    costs = Costs(*map(float, least_absolute(rows)))
    return Replica(costs, most, engine.kv_cache_tokens, MAX_NUM_BATCHED_TOKENS)


def most_sequences(engine: Engine, points: Sequence[Point]) -> int:
    """`max_num_seqs` as it was told, or else the most that were seen to run."""
    seen = [point.engine.peak_running for point in points if point.engine]
    return engine.max_num_seqs or max(1, round(max(seen, default=256)))


def question_of_point(point: Point, block_size: int) -> Question:
    """The question that was asked there, as long as it was there."""
    assert point.work is not None
    lengths = lengths_of(point.work, point.branches, block_size)
    question = question_of(point.strategy, point.branches, lengths)
    if point.engine and point.engine.computed_prompt_tokens > 0:
        return question.computing(_per_question(point, point.engine.computed_prompt_tokens))
    return question


def lengths_of(work: Work, branches: int, block_size: int) -> Lengths:
    lengths = Lengths(work.prompt_tokens, work.path_tokens, work.path_tokens_deviation, block_size)
    if branches == 1:
        return lengths
    low, high = 0.0, MOST_DEVIATION * work.path_tokens
    for _ in range(NUM_HALVINGS):
        middle = (low + high) / 2
        stage = replace(lengths, deviation=middle).paths(branches)
        low, high = (
            (middle, high) if mean_longest(stage) < work.longest_path_tokens else (low, middle)
        )
    return replace(lengths, deviation=low)


def _per_question(point: Point, total: float) -> float:
    """An engine counter's total per question; its window is not exactly the point's."""
    assert point.engine is not None
    return total / point.engine.seconds / point.questions_per_s


def _row(point: Point, max_num_seqs: int, block_size: int) -> Row:
    rate = point.questions_per_s
    question = question_of_point(point, block_size)
    latency_s = point.concurrency / rate
    if point.engine:
        steps_per_s = point.engine.num_steps / point.engine.seconds
        tokens_per_s = point.engine.generated_tokens / point.engine.seconds
    else:
        assert point.work is not None
        tokens_per_s = rate * question.generated_tokens
        num_steps = max(
            point.work.longest_path_tokens + len(question.stages) - 1,
            latency_s * tokens_per_s / max_num_seqs,
        )
        steps_per_s = num_steps / latency_s
    prompt_tokens_per_s = rate * question.computed_tokens
    paths_per_s = rate * question.num_paths
    return (
        steps_per_s,
        tokens_per_s,
        prompt_tokens_per_s,
        paths_per_s,
        rate,
        1 / latency_s,
        steps_per_s if point.strategy in SCORED else 0.0,
    )


def least_absolute(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Coefficients from 0 on for which the rows come closest to 1."""
    weights = np.ones(len(rows))
    for _ in range(NUM_ROUNDS):
        solution = solve_not_negative(rows * weights[:, None], weights)
        errors = np.abs(rows @ solution - 1)
        weights = 1 / np.sqrt(np.maximum(errors, SMALL_ERROR))
    return solution


def solve_not_negative(
    rows: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Least squares with no negative coefficient, exactly: for so few columns every choice of those
    that are not zero can be tried."""
    num_columns = rows.shape[1]
    best, least = np.zeros(num_columns), float(wanted @ wanted)
    for number in range(1, num_columns + 1):
        for chosen in itertools.combinations(range(num_columns), number):
            some, *_ = np.linalg.lstsq(rows[:, chosen], wanted, rcond=None)
            residual = float(np.square(rows[:, chosen] @ some - wanted).sum())
            if (some >= 0).all() and residual < least * (1 - 1e-9):
                best, least = np.zeros(num_columns), residual
                best[list(chosen)] = some
    return best
