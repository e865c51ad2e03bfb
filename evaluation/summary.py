"""What the results of a run say of each decoder, and of each two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, quantiles

from evaluation.folder import Result
from measurement.statistics import PairedDifference, Share, compare_paired, wilson_share

NUM_BINS = 10
P50, P95 = 49, 94
"""Places among the 99 percentiles."""


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence (0..1, or agreement where none is measured), and how many of
    them were right."""

    mean_confidence: float
    share: Share


@dataclass(frozen=True)
class DecoderFigures:
    """Figures of the questions that were answered; `num_errors` were not. None where nothing was
    measured or nothing was right. Tokens are all that were generated, times in seconds."""

    decoder: str
    num_answered: int
    num_errors: int
    share: Share | None
    mean_tokens: float | None
    tokens_per_right_answer: float | None
    p50_s: float | None
    p95_s: float | None
    share_without_answer: float | None
    num_fallbacks: int
    reliability: tuple[Bin, ...]


@dataclass(frozen=True)
class PairFigures:
    """Two decoders on the questions that both answered."""

    a: str
    b: str
    difference: PairedDifference


@dataclass(frozen=True)
class Summary:
    """`concurrencies` are all at which results were taken."""

    decoders: tuple[DecoderFigures, ...]
    pairs: tuple[PairFigures, ...]
    concurrencies: tuple[int, ...]


def summarise(results: Sequence[Result]) -> Summary:
    """The decoders in the order in which they come first."""
    by_decoder: dict[str, list[Result]] = {}
    for result in results:
        by_decoder.setdefault(result.decoder, []).append(result)
    answered = {
        decoder: [one for one in members if one.error is None]
        for decoder, members in by_decoder.items()
    }
    return Summary(
        tuple(
            _figures(decoder, own, len(by_decoder[decoder]) - len(own))
            for decoder, own in answered.items()
        ),
        tuple(
            PairFigures(a, b, difference)
            for a, b in combinations(answered, 2)
            if (difference := _compare(answered[a], answered[b])) is not None
        ),
        tuple(sorted({one.concurrency for own in answered.values() for one in own})),
    )


def _figures(decoder: str, answered: Sequence[Result], num_errors: int) -> DecoderFigures:
    num_right = sum(one.is_right for one in answered)
    tokens = [one.num_tokens for one in answered if one.num_tokens is not None]
    is_counted = len(tokens) == len(answered) > 0
    percentiles = _percentiles([one.seconds for one in answered if one.seconds is not None])
    return DecoderFigures(
        decoder=decoder,
        num_answered=len(answered),
        num_errors=num_errors,
        share=wilson_share(num_right, len(answered)) if answered else None,
        mean_tokens=fmean(tokens) if is_counted else None,
        tokens_per_right_answer=sum(tokens) / num_right if is_counted and num_right else None,
        p50_s=percentiles[P50] if percentiles else None,
        p95_s=percentiles[P95] if percentiles else None,
        share_without_answer=fmean(one.answer is None for one in answered) if answered else None,
        num_fallbacks=sum(one.fallback is not None for one in answered),
        reliability=_reliability(answered),
    )


def _percentiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=100, method="inclusive") if len(values) > 1 else [*values] * 99


def _reliability(answered: Sequence[Result]) -> tuple[Bin, ...]:
    """Ten bins of equal width, those without answers left out; 1.0 belongs to the last."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(NUM_BINS)]
    for one in answered:
        if (sureness := one.sureness) is not None:
            bins[min(NUM_BINS - 1, int(sureness * NUM_BINS))].append((sureness, one.is_right))
    return tuple(
        Bin(fmean(s for s, _ in members), wilson_share(sum(r for _, r in members), len(members)))
        for members in bins
        if members
    )


def _compare(a: Sequence[Result], b: Sequence[Result]) -> PairedDifference | None:
    right_b = {one.id: one.is_right for one in b}
    both = [(one.is_right, right_b[one.id]) for one in a if one.id in right_b]
    if not both:
        return None
    only_a = sum(is_a and not is_b for is_a, is_b in both)
    only_b = sum(is_b and not is_a for is_a, is_b in both)
    return compare_paired(only_a, only_b, len(both))
