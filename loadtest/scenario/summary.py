"""What the records of a stage say: how fast, how right, and right in time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from loadtest.scenario.record import Record
from measurement.statistics import Share, wilson_share

ALL = "all"
"""The name of all ways of asking together."""
NUM_SHOWN_ERRORS = 5


@dataclass(frozen=True)
class Limits:
    """Limits of a reply that is in time, in milliseconds from its arrival; None: no limit."""

    ttft_ms: float | None = None
    latency_ms: float | None = None

    def holds(self, record: Record) -> bool:
        return _within(record.latency_ms, self.latency_ms) and _within(record.ttft_ms, self.ttft_ms)


@dataclass(frozen=True)
class Figures:
    """Figures of one way of asking. Latencies are of replies, not of what failed; shares, in 0..1,
    are of all requests, but `right`, which is of the answered ones. None: nothing to measure it by.

    `goodput_per_s` counts the right answers that were in time, `tokens_per_right_answer` all
    tokens that the engine generated, discarded paths included. `latency_ms` and `ttft_ms` have the
    percentiles p50, p90, p95 and p99.
    """

    call: str
    num_requests: int
    num_answered: int
    errors: tuple[tuple[str, int], ...]
    share_failed: float | None
    share_within_slo: float | None
    right: Share | None
    requests_per_s: float | None
    right_per_s: float | None
    goodput_per_s: float | None
    latency_ms: dict[str, float] | None
    ttft_ms: dict[str, float] | None
    tokens_per_s: float | None
    mean_tokens: float | None
    mean_candidates: float | None
    tokens_per_right_answer: float | None

    def metrics(self) -> dict[str, Any]:
        """The figures by the names that gates use."""
        fields = asdict(self)
        for name in ("latency_ms", "ttft_ms"):
            kind = name.removesuffix("_ms")
            for place in PERCENTILES:
                fields[f"{kind}_{place}_ms"] = (fields[name] or {}).get(place)
        fields["share_right"] = self.right.value if self.right else None
        return fields


PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


@dataclass(frozen=True)
class StageFigures:
    """`wall_s` is from the first arrival to the last reply. `late_p99_ms` is how late requests
    were sent, `client_cpu` the load generator's own processor time to the wall time: where these
    are large, the client is measured and not the server. `incomplete` says why the stage was
    broken off, None: it was not."""

    stage: int
    label: str
    offered_per_s: float | None
    wall_s: float
    late_p99_ms: float | None
    client_cpu: float
    incomplete: str | None
    figures: tuple[Figures, ...]

    def find(self, call: str) -> Figures | None:
        return next((one for one in self.figures if one.call == call), None)

    def of(self, call: str) -> Figures:
        """The figures of one way of asking.

        Raises:
            StopIteration: nothing was asked that way.
        """
        return next(one for one in self.figures if one.call == call)


def figures_of(call: str, records: Sequence[Record], wall_s: float, limits: Limits) -> Figures:
    """The figures of the records of one way of asking, or of all."""
    answered = [one for one in records if one.error is None]
    in_time = [one for one in answered if limits.holds(one)]
    num_right = sum(one.is_right for one in answered)
    tokens = [one.num_tokens for one in answered if one.num_tokens is not None]
    is_counted = len(tokens) == len(answered) > 0
    errors = Counter(one.error for one in records if one.error is not None)
    return Figures(
        call=call,
        num_requests=len(records),
        num_answered=len(answered),
        errors=tuple(errors.most_common(NUM_SHOWN_ERRORS)),
        share_failed=_share(len(records) - len(answered), len(records)),
        share_within_slo=_share(len(in_time), len(records)),
        right=wilson_share(num_right, len(answered)) if answered else None,
        requests_per_s=_rate(len(answered), wall_s),
        right_per_s=_rate(num_right, wall_s),
        goodput_per_s=_rate(sum(one.is_right for one in in_time), wall_s),
        latency_ms=_percentiles([one.latency_ms for one in answered]),
        ttft_ms=_percentiles([one.ttft_ms for one in answered if one.ttft_ms is not None]),
        tokens_per_s=_rate(sum(tokens), wall_s) if is_counted else None,
        mean_tokens=sum(tokens) / len(tokens) if is_counted else None,
        mean_candidates=_mean([one.num_candidates for one in answered]),
        tokens_per_right_answer=sum(tokens) / num_right if is_counted and num_right else None,
    )


def summarise_stage(
    stage: int,
    label: str,
    offered_per_s: float | None,
    records: Sequence[Record],
    wall_s: float,
    client_cpu_s: float,
    incomplete: str | None,
    limits: Limits,
) -> StageFigures:
    calls = dict.fromkeys(one.call for one in records)
    parts = {ALL: list(records)} | {
        call: [one for one in records if one.call == call] for call in sorted(calls)
    }
    late = _percentiles([one.late_ms for one in records])
    return StageFigures(
        stage=stage,
        label=label,
        offered_per_s=offered_per_s,
        wall_s=wall_s,
        late_p99_ms=late["p99"] if late else None,
        client_cpu=client_cpu_s / wall_s if wall_s > 0 else 0.0,
        incomplete=incomplete,
        figures=tuple(figures_of(call, own, wall_s, limits) for call, own in parts.items()),
    )


def _within(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def _rate(count: float, wall_s: float) -> float | None:
    return count / wall_s if wall_s > 0 else None


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _percentiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    found = np.percentile(values, list(PERCENTILES.values()))
    return dict(zip(PERCENTILES, found.tolist(), strict=True))
