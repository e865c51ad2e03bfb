"""What both load generators measure of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median


@dataclass(frozen=True)
class Figures:
    """Latencies are those of whole requests; `ttft_*` is the time to the first token."""

    requests_per_s: float
    latency_p50_ms: float
    latency_p95_ms: float
    ttft_p50_ms: float
    ttft_p95_ms: float


NAMES = tuple(field.name for field in fields(Figures))


def medians(runs: Sequence[Figures]) -> Figures:
    return Figures(*(median(getattr(run, name) for run in runs) for name in NAMES))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a percentile of no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]
