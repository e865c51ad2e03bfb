"""What was measured, as `scale` writes it and `plan` reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from measurement.machine import Machine

Sweep = Literal["concurrency", "branches", "prompt"]
SWEEPS: tuple[Sweep, ...] = ("concurrency", "branches", "prompt")


class UnreadableMeasurements(Exception):
    """The message names the file and what is wrong with it."""


@dataclass(frozen=True)
class Latency:
    """Latency of the answered questions, in milliseconds."""

    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Work:
    """What an answered question took on average, in tokens. `path_tokens` is the mean of one path
    with its standard deviation over all paths; `longest_path_tokens` the mean of a question's
    longest."""

    prompt_tokens: float
    generated_tokens: float
    path_tokens: float
    path_tokens_deviation: float
    longest_path_tokens: float


@dataclass(frozen=True)
class EngineWork:
    """What vLLM's own counters say of `seconds` of the point, and its gauges at their highest."""

    seconds: float
    num_steps: float
    generated_tokens: float
    computed_prompt_tokens: float
    num_preemptions: float
    peak_running: float
    peak_waiting: float


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds of processor time: of the server's own process, which speaks HTTP and runs the
    decoders; of its children, which run the engine; and of all on the machine that is neither nor
    the load generator. Where others took much, the point says little."""

    api_s: float
    engine_s: float
    others_s: float


@dataclass(frozen=True)
class Point:
    """Measurement of `seconds` under `concurrency` clients. `failures` counts requests by status or
    error; `latency` and `work` are None where nothing was answered, `engine` where /metrics has no
    series of vLLM's, `memory_mb` (the most, of the server and its children) and `processor_time`
    where it runs elsewhere."""

    sweep: Sweep
    strategy: str
    branches: int
    concurrency: int
    seconds: float
    num_answered: int
    num_right: int
    failures: Mapping[str, int]
    latency: Latency | None
    work: Work | None
    engine: EngineWork | None
    memory_mb: float | None
    processor_time: ProcessorTime | None

    @property
    def questions_per_s(self) -> float:
        return self.num_answered / self.seconds

    @property
    def right_per_s(self) -> float:
        return self.num_right / self.seconds

    @property
    def tokens_per_s(self) -> float:
        return self.questions_per_s * self.work.generated_tokens if self.work else 0.0

    @property
    def other_cores(self) -> float | None:
        """How many of the machine's cores something else took."""
        return self.processor_time.others_s / self.seconds if self.processor_time else None

    @property
    def num_failed(self) -> int:
        return sum(self.failures.values())


@dataclass(frozen=True)
class Engine:
    """What vLLM says of itself; each None where it does not."""

    max_num_seqs: int | None
    kv_cache_tokens: int | None
    block_size: int | None


@dataclass(frozen=True)
class Measurements:
    """`checkpoint` is what the server was started with, or the model's name where it ran before."""

    machine: Machine
    checkpoint: str
    flags: Mapping[str, str | None]
    engine: Engine
    points: Sequence[Point]


def write_measurements(path: Path, measurements: Measurements) -> None:
    path.write_text(dumps(asdict(measurements), indent=1, ensure_ascii=False), encoding="utf-8")


def read_measurements(path: Path) -> Measurements:
    """Read what `loadtest scale --out` wrote.

    Raises:
        UnreadableMeasurements: the file cannot be read, or holds something else.
    """
    try:
        return TypeAdapter(Measurements).validate_json(path.read_bytes())
    except OSError as failure:
        raise UnreadableMeasurements(f"{path}: {failure.strerror}") from None
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"]))
        where = f"{place}: " if place else ""
        raise UnreadableMeasurements(
            f"{path}: {where}{error['msg']}; it must be what `loadtest scale --out` wrote"
        ) from None
