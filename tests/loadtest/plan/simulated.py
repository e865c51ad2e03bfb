"""Measurements of a machine whose costs are known: the simulator stands in for it."""

from collections.abc import Sequence
from dataclasses import replace

from loadtest.plan.model import Costs, Replica
from loadtest.plan.question import Lengths, question_of
from loadtest.plan.simulator import simulate_closed
from loadtest.scaling.measured import (
    EngineWork,
    Latency,
    Measurements,
    Point,
    ProcessorTime,
    Sweep,
    Work,
)
from tests.loadtest.scaling.points import POINT, measured

COSTS = Costs(
    step_s=0.004, sequence_s=0.0002, prompt_token_s=0.0001, request_s=0.002, scored_step_s=0.002
)
REPLICA = Replica(COSTS, max_num_seqs=64, kv_tokens=100_000, max_num_batched_tokens=2048)
CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64)
BRANCHES = (2, 4, 8, 16)


def measurements(*, has_steps: bool = True) -> Measurements:
    series: Sequence[tuple[Sweep, str, int, int, float]] = [
        *(("concurrency", "plain", 1, n, 60.0) for n in CONCURRENCIES),
        *(("concurrency", "cot_decoding", 6, n, 60.0) for n in CONCURRENCIES),
        *(("concurrency", "majority_vote", 8, n, 60.0) for n in CONCURRENCIES),
        *(("branches", "majority_vote", n, 4, 60.0) for n in BRANCHES),
        *(("prompt", "plain", 1, 4, words) for words in (100.0, 400.0, 1600.0)),
    ]
    points = [_point(*one, has_steps=has_steps) for one in series]
    return measured(points, max_num_seqs=64, kv_cache_tokens=100_000, block_size=16)


def _point(
    sweep: Sweep, strategy: str, branches: int, concurrency: int, prompt: float, *, has_steps: bool
) -> Point:
    lengths = Lengths(prompt, 20.0, 0.0, 16)
    question = question_of(strategy, branches, lengths)
    replica = replace(REPLICA, costs=COSTS.of(strategy))
    simulated = simulate_closed(replica, question, concurrency, 400, seed=1)
    rate, num = simulated.questions_per_s, len(simulated.latencies_ms)
    # All time is steps; what is not for sequences, prompts and questions is for the steps.
    work_s = (
        question.generated_tokens * COSTS.sequence_s
        + question.computed_tokens * COSTS.prompt_token_s
        + COSTS.request_s
    )
    engine = EngineWork(
        seconds=num / rate,
        num_steps=num / rate * (1 - rate * work_s) / COSTS.of(strategy).step_s,
        generated_tokens=num * question.generated_tokens,
        computed_prompt_tokens=num * question.computed_tokens,
        num_preemptions=0,
        peak_running=simulated.peak_running,
        peak_waiting=0,
    )
    return replace(
        POINT,
        sweep=sweep,
        strategy=strategy,
        branches=branches,
        concurrency=concurrency,
        seconds=num / rate,
        num_answered=num,
        latency=Latency(
            sum(simulated.latencies_ms) / num,
            *(simulated.percentile_ms(p) for p in (50, 95, 99)),
        ),
        work=Work(prompt, branches * 20.0, 20.0, 0.0, 20.0),
        engine=engine if has_steps else None,
        processor_time=ProcessorTime(api_s=0, engine_s=num / rate, others_s=0),
    )
