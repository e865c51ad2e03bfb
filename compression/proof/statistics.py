"""What a handful of noisy measurements, and right and wrong answers to the same questions, say."""

from collections.abc import Sequence
from statistics import median

from compression.proof.figures import Change, Spread
from measurement import statistics


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def ratio_spread(compressed: Sequence[float], original: Sequence[float]) -> Spread:
    """The spread of the ratios of pairs, each measured one right after the other."""
    return spread([a / b for a, b in zip(compressed, original, strict=True)])


def compare_paired(
    is_right_original: Sequence[bool], is_right_compressed: Sequence[bool]
) -> Change:
    """Compare right answers question by question.

    The interval and the test are those of `measurement.statistics.compare_paired`.

    Raises:
        ValueError: the two are not of the same questions, or there is none.
    """
    pairs = list(zip(is_right_original, is_right_compressed, strict=True))
    if not pairs:
        raise ValueError("there is no question to compare by")
    only_original = sum(a and not b for a, b in pairs)
    only_compressed = sum(b and not a for a, b in pairs)
    change = statistics.compare_paired(only_compressed, only_original, len(pairs))
    return Change(
        num_total=len(pairs),
        num_only_original=only_original,
        num_only_compressed=only_compressed,
        value=change.value,
        low=change.low,
        high=change.high,
        p_value=change.p_value,
    )
