"""What a handful of noisy measurements, and right and wrong answers to the same questions, say."""

import math
from collections.abc import Sequence
from statistics import median

from compression.proof.figures import Change, Spread

Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def ratio_spread(compressed: Sequence[float], original: Sequence[float]) -> Spread:
    """Of the pairs, which were measured one right after the other."""
    return spread([a / b for a, b in zip(compressed, original, strict=True)])


def compare_paired(
    is_right_original: Sequence[bool], is_right_compressed: Sequence[bool]
) -> Change:
    """By question: the adjusted Wald interval of Bonett & Price (2012), which holds for few
    questions and for few disagreements, too, and McNemar's exact two-sided test.

    Raises:
        ValueError: the two are not of the same questions, or there is none.
    """
    pairs = list(zip(is_right_original, is_right_compressed, strict=True))
    if not pairs:
        raise ValueError("there is no question to compare by")
    only_original = sum(a and not b for a, b in pairs)
    only_compressed = sum(b and not a for a, b in pairs)
    up = (only_compressed + 1) / (len(pairs) + 2)
    down = (only_original + 1) / (len(pairs) + 2)
    centre = up - down
    reach = Z_95 * math.sqrt((up + down - centre * centre) / (len(pairs) + 2))
    return Change(
        num_total=len(pairs),
        num_only_original=only_original,
        num_only_compressed=only_compressed,
        value=(only_compressed - only_original) / len(pairs),
        low=max(-1.0, centre - reach),
        high=min(1.0, centre + reach),
        p_value=_mcnemar_p(only_original, only_compressed),
    )


def _mcnemar_p(num_only_a: int, num_only_b: int) -> float:
    num_uneven = num_only_a + num_only_b
    tail = sum(math.comb(num_uneven, k) for k in range(min(num_only_a, num_only_b) + 1))
    return min(1.0, 2 * tail / (1 << num_uneven))
