"""Planning from the flags: where costs and lengths come from, and what is refused."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from loadtest.plan.check import check, error_sentences
from loadtest.plan.checkpoint import read_checkpoint
from loadtest.plan.fit import (
    BLOCK_SIZE,
    MAX_NUM_BATCHED_TOKENS,
    TooFewPoints,
    fit_replica,
    lengths_of,
)
from loadtest.plan.hardware import GPUS
from loadtest.plan.model import Replica
from loadtest.plan.planner import Goal, make_plan
from loadtest.plan.question import DEFAULT_BRANCHES, SELECTION_TOKENS, Lengths, question_of
from loadtest.plan.report import Planned
from loadtest.plan.roofline import Assumptions, paper_replica
from loadtest.scaling.measured import Measurements, Point, read_measurements

SPREAD = 0.5
"""A path's deviation, in means, where nobody tells it."""
LEAST_SAMPLES = 2
SELECTS = "cot_decoding"
PAPER_ONLY = (
    *("tensor_parallel", "gpu_memory_utilization", "reserve_gb", "bandwidth_efficiency"),
    *("compute_efficiency", "step_overhead_ms", "api_request_ms", "api_path_ms", "block_size"),
)


class UnusableGoal(Exception):
    """The message names the flag, its value and what is allowed."""


def size(options: argparse.Namespace) -> Planned:
    """Plan by a GPU's data sheet, or by measurements.

    Raises:
        UnusableGoal: a flag is missing, or does not go with the others.
        UnusableCheckpoint: the checkpoint cannot be reckoned with.
        UnreadableMeasurements: the file cannot be read, or holds no measurements.
        TooFewPoints: the measurements have too few points for a fit.
        DoesNotFit: the memory has no room for the weights or for a single path.
    """
    branches = _branches(options)
    return _on_paper(options, branches) if options.gpu else _as_measured(options, branches)


def _branches(options: argparse.Namespace) -> int:
    strategy: str = options.strategy
    samples = strategy in DEFAULT_BRANCHES and strategy != SELECTS
    if options.k is not None and strategy != SELECTS:
        raise UnusableGoal(f"--k {options.k} is of cot_decoding alone, not of {strategy}")
    if options.num_samples is not None and not samples:
        raise UnusableGoal(f"--num-samples {options.num_samples} is not of {strategy}")
    given: int | None = options.k if strategy == SELECTS else options.num_samples
    if samples and given is not None and given < LEAST_SAMPLES:
        raise UnusableGoal(f"--num-samples must be at least {LEAST_SAMPLES}, got {given}")
    return given or DEFAULT_BRANCHES.get(strategy, 1)


def _on_paper(options: argparse.Namespace, branches: int) -> Planned:
    for flag in ("prompt_tokens", "output_tokens"):
        if getattr(options, flag) is None:
            raise UnusableGoal(
                f"{_flag(flag)} is needed with --gpu: the mean tokens of a "
                f"{'question' if flag == 'prompt_tokens' else 'path'}"
            )
    deviation = options.output_deviation
    if deviation is None:
        deviation = SPREAD * options.output_tokens
    block = options.block_size or BLOCK_SIZE
    lengths = Lengths(options.prompt_tokens, options.output_tokens, deviation, block)
    checkpoint = read_checkpoint(options.checkpoint or "pocket")
    if (most := checkpoint.max_model_len) is not None:
        _refuse_beyond(most, lengths)
    gpu = GPUS[options.gpu]
    fields = {name: getattr(options, name) for name in PAPER_ONLY if name != "block_size"}
    fields["memory_utilization"] = fields.pop("gpu_memory_utilization")
    assumed = Assumptions(**{name: value for name, value in fields.items() if value is not None})
    replica = paper_replica(
        gpu, checkpoint, lengths, assumed, options.max_num_seqs, options.max_num_batched_tokens
    )
    assumptions = [
        f"on paper, not measured: {options.gpu} has {gpu.memory_gb:g} GB, "
        f"{gpu.bandwidth_gb_per_s:g} GB/s and {gpu.tflops:g} dense bfloat16 TFLOP/s "
        f"({gpu.source})",
        f"{checkpoint.name}: {checkpoint.weight_bytes / 1e9:.3f} GB of weights, "
        f"{checkpoint.kv_bytes_per_token} KV bytes a token, room for {replica.kv_tokens:.0f} of "
        "them",
        f"{100 * assumed.bandwidth_efficiency:.0f} % of the bandwidth, "
        f"{100 * assumed.compute_efficiency:.0f} % of the arithmetic, "
        f"{assumed.step_overhead_ms:g} ms of overhead a step; "
        f"{100 * assumed.memory_utilization:.0f} % of the memory less {assumed.reserve_gb:g} GB",
        f"one API server takes {assumed.api_request_ms:g} ms a request and "
        f"{assumed.api_path_ms:g} ms a path",
    ]
    if assumed.tensor_parallel > 1:
        assumptions.append(f"{assumed.tensor_parallel} GPUs a replica talk without cost")
    basis = f"{checkpoint.name} on {options.gpu}, on paper"
    return _plan(
        options, branches, lengths, replica, basis, assumptions, "GPUs", assumed.tensor_parallel
    )


def _as_measured(options: argparse.Namespace, branches: int) -> Planned:
    for name in PAPER_ONLY:
        if (value := getattr(options, name)) is not None:
            raise UnusableGoal(f"{_flag(name)} {value:g} is of --gpu alone: this was measured")
    file: Path = options.measurements
    measurements = read_measurements(file)
    if options.checkpoint not in (None, measurements.checkpoint):
        raise UnusableGoal(
            f"--checkpoint {options.checkpoint} is not what {file} was measured with: "
            f"{measurements.checkpoint}"
        )
    lengths = _measured_lengths(options, measurements, branches)
    fitted = fit_replica(measurements, measurements.points, options.max_num_seqs)
    replica = Replica(
        fitted.costs.of(options.strategy),
        fitted.max_num_seqs,
        fitted.kv_tokens,
        options.max_num_batched_tokens or MAX_NUM_BATCHED_TOKENS,
    )
    machine = measurements.machine
    basis = f"as {file.name} was measured with {measurements.checkpoint}"
    assumptions = [
        f"a replica is what was measured: {machine.num_cores} × {machine.processor}, its load "
        f"generator included; fitted to {len(measurements.points)} points",
        f"at most {replica.max_num_seqs} sequences run"
        + ("" if measurements.engine.max_num_seqs or options.max_num_seqs else ", as was seen"),
        *_extrapolations(measurements, lengths),
        _known_error(measurements, options),
    ]
    return _plan(options, branches, lengths, replica, basis, assumptions, "replicas", 1)


def _measured_lengths(
    options: argparse.Namespace, measurements: Measurements, branches: int
) -> Lengths:
    """The lengths of the measured point with the same decoder and the nearest branches, unless
    flags say otherwise."""
    points = [
        point
        for point in measurements.points
        if point.work and point.strategy == options.strategy and point.sweep != "prompt"
    ]
    block = measurements.engine.block_size or BLOCK_SIZE
    if points:
        return _with_flags(options, _nearest(points, branches, block))
    for flag in ("prompt_tokens", "output_tokens"):
        if getattr(options, flag) is None:
            raise UnusableGoal(
                f"{_flag(flag)} is needed: {options.measurements} has no {options.strategy}"
            )
    mean = options.output_tokens
    return _with_flags(options, Lengths(options.prompt_tokens, mean, SPREAD * mean, block))


def _nearest(points: Sequence[Point], branches: int, block_size: int) -> Lengths:
    def distance(point: Point) -> tuple[float, int]:
        return abs(math.log(point.branches / branches)), -point.num_answered

    point = min(points, key=distance)
    assert point.work is not None
    return lengths_of(point.work, point.branches, block_size)


def _with_flags(options: argparse.Namespace, measured: Lengths) -> Lengths:
    path_tokens = options.output_tokens or measured.path_tokens
    deviation = options.output_deviation
    if deviation is None:
        deviation = measured.deviation * path_tokens / measured.path_tokens
    return Lengths(
        options.prompt_tokens or measured.prompt_tokens,
        path_tokens,
        deviation,
        measured.block_size,
    )


def _known_error(measurements: Measurements, options: argparse.Namespace) -> str:
    """The simulator's error on these measurements, as a sentence."""
    try:
        compared = check(measurements, options.max_num_seqs, options.seed).compared
    except TooFewPoints:
        return "too few points to tell the simulator's error (--check)"
    return f"the simulator's error (--check): {error_sentences(compared)[0]}"


def _extrapolations(measurements: Measurements, lengths: Lengths) -> list[str]:
    works = [point.work for point in measurements.points if point.work]
    told = []
    for what, value, measured in (
        ("prompts", lengths.prompt_tokens, [work.prompt_tokens for work in works]),
        ("paths", lengths.path_tokens, [work.path_tokens for work in works]),
    ):
        low, high = min(measured), max(measured)
        if not 0.9 * low <= value <= 1.1 * high:
            told.append(
                f"{what} of {value:.0f} tokens are beyond what was measured, "
                f"{low:.0f} to {high:.0f}: extrapolated"
            )
    return told


def _refuse_beyond(most: int, lengths: Lengths) -> None:
    needed = lengths.prompt_tokens + lengths.path_tokens
    if needed > most:
        raise UnusableGoal(
            f"--prompt-tokens {lengths.prompt_tokens:g} and --output-tokens "
            f"{lengths.path_tokens:g} must be at most {most} together: the checkpoint's context"
        )


def _plan(
    options: argparse.Namespace,
    branches: int,
    lengths: Lengths,
    replica: Replica,
    basis: str,
    assumptions: Sequence[str],
    unit: str,
    units_per_replica: int,
) -> Planned:
    question = question_of(options.strategy, branches, lengths)
    goal = Goal(options.rate, options.slo_ms, options.percentile, options.utilization)
    plan = make_plan(replica, question, goal, options.questions, options.seed)
    decoder = options.strategy + (f" × {branches}" if options.strategy in DEFAULT_BRANCHES else "")
    assumptions = [
        *assumptions,
        f"prompts of {lengths.prompt_tokens:.0f} tokens, cached within a question and not between "
        f"questions; paths of {lengths.path_tokens:.0f} ± {lengths.deviation:.0f} tokens",
        *_of_strategy(options.strategy),
        f"questions come at random (Poisson) and go to replicas at random; no replica is planned "
        f"beyond {100 * goal.utilization:.0f} % of its capacity",
    ]
    return Planned(
        decoder, basis, goal, question, replica, unit, units_per_replica, plan, assumptions
    )


def _of_strategy(strategy: str) -> list[str]:
    match strategy:
        case "deepconf":
            return ["no sample is aborted: an upper bound"]
        case "best_of_n":
            return ["the verifier asks nothing of the engine"]
        case "universal_vote":
            return [f"its selection writes {SELECTION_TOKENS} tokens"]
        case "majority_vote":
            return ["all samples are counted: no early stopping but what the lengths have of it"]
    return []


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
