"""What the kept replies say of each decoder on each model."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles

from measurement.statistics import Share, wilson_share
from server.accuracy import NUM_BINS, AccuracyWindow, Judged, bin_of
from server.replies.log import LoggedReply, Source, Verdict

Key = tuple[str, str, Source]
"""A decoder, a model, and who asked."""
P50, P95 = 49, 94
"""Places among the 99 percentiles."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class JudgedReply:
    """`is_right` is by feedback, else by the request's own reference; None where neither was
    given."""

    reply: LoggedReply
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Judged answers of like confidence: how sure the decoder was of them, how many were right."""

    num_answers: int
    mean_confidence: float
    share_right: float


@dataclass(frozen=True, slots=True)
class Summary:
    """`accuracy` and what follows from it are None where nothing was judged. Times are in
    milliseconds."""

    strategy: str
    model: str
    source: Source
    num_replies: int
    num_judged: int
    accuracy: Share | None
    calibration_error: float | None
    mean_tokens: float
    tokens_per_right_answer: float | None
    cost_per_right_answer: float | None
    p50_ms: float
    p95_ms: float
    share_without_answer: float
    share_of_fallbacks: float
    reliability: tuple[ReliabilityBin, ...]


def judged(replies: Iterable[tuple[LoggedReply, Verdict | None]]) -> list[JudgedReply]:
    return [
        JudgedReply(reply, reply.is_right if verdict is None else verdict.is_right)
        for reply, verdict in replies
    ]


def summarise(
    replies: Sequence[JudgedReply], price_per_million: float | None = None
) -> list[Summary]:
    """One for each group. The price is that of a million generated tokens, in any currency."""
    return [_summary(*key, m, price_per_million) for key, m in group(replies).items()]


def group(replies: Sequence[JudgedReply]) -> dict[Key, list[JudgedReply]]:
    """Group replies by decoder, model and source (users or canaries), in the order of the names."""
    groups: dict[Key, list[JudgedReply]] = {}
    for one in replies:
        key = (one.reply.strategy, one.reply.model, one.reply.source)
        groups.setdefault(key, []).append(one)
    return dict(sorted(groups.items()))


def _summary(
    strategy: str,
    model: str,
    source: Source,
    members: Sequence[JudgedReply],
    price_per_million: float | None,
) -> Summary:
    replies = [one.reply for one in members]
    known = [one for one in members if one.is_right is not None]
    accuracy = wilson_share(sum(bool(one.is_right) for one in known), len(known)) if known else None
    window = AccuracyWindow(max(1, len(known)))
    for one in known:
        window.add(Judged(bool(one.is_right), one.reply.sureness))
    mean_tokens = fmean(reply.num_tokens for reply in replies)
    is_ever_right = accuracy is not None and accuracy.value > 0
    tokens_per_right = mean_tokens / accuracy.value if accuracy and is_ever_right else None
    percentiles = _percentiles([1000 * reply.seconds for reply in replies])
    return Summary(
        strategy=strategy,
        model=model,
        source=source,
        num_replies=len(replies),
        num_judged=len(known),
        accuracy=accuracy,
        calibration_error=window.calibration_error(),
        mean_tokens=mean_tokens,
        tokens_per_right_answer=tokens_per_right,
        cost_per_right_answer=None
        if tokens_per_right is None or price_per_million is None
        else tokens_per_right * price_per_million / MILLION,
        p50_ms=percentiles[P50],
        p95_ms=percentiles[P95],
        share_without_answer=fmean(reply.answer is None for reply in replies),
        share_of_fallbacks=fmean(reply.fallback is not None for reply in replies),
        reliability=_reliability(known),
    )


def _percentiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99


def _reliability(known: Sequence[JudgedReply]) -> tuple[ReliabilityBin, ...]:
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(NUM_BINS)]
    for one in known:
        if (sure := one.reply.sureness) is not None:
            bins[bin_of(sure)].append((sure, bool(one.is_right)))
    return tuple(
        ReliabilityBin(len(members), fmean(c for c, _ in members), fmean(r for _, r in members))
        for members in bins
        if members
    )


def accuracy_by_day(replies: Sequence[JudgedReply]) -> dict[float, Share]:
    """The share of right answers by the beginning of the day (UTC, seconds since 1970).

    Days without judged replies are left out.
    """
    days: dict[float, list[bool]] = {}
    for one in replies:
        if one.is_right is not None:
            day = math.floor(one.reply.created_at / 86_400) * 86_400.0
            days.setdefault(day, []).append(one.is_right)
    return {day: wilson_share(sum(right), len(right)) for day, right in sorted(days.items())}
