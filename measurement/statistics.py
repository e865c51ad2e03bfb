"""What a handful of noisy measurements says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """How many of how many, with its 95 % interval (Wilson 1927), all shares in 0..1."""

    num_right: int
    num_total: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio:
    """Ours to the peer's, measured in pairs.

    `of_medians` is the median of ours over the median of the peer's; `low`, `median` and `high`
    describe the ratios of the single pairs, in which slow drifts of the machine cancel.
    """

    of_medians: float
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """Two ways of answering the same `num_total` questions: how many only one of them had right.

    `value` is the share of A less that of B, in -1..1, with its 95 % interval; `p_value` is that of
    both being right equally often.
    """

    num_total: int
    num_only_a: int
    num_only_b: int
    value: float
    low: float
    high: float
    p_value: float


def wilson_share(num_right: int, num_total: int) -> Share:
    """The share with its Wilson interval.

    Raises:
        ValueError: `num_right` is not in 0..`num_total`, or there is nothing to share.
    """
    if num_total < 1 or not 0 <= num_right <= num_total:
        raise ValueError(f"num_right must be in 0..num_total, got {num_right} of {num_total}")
    from scipy.stats import binomtest  # takes a second, which a command's help need not

    interval = binomtest(num_right, num_total).proportion_ci(method="wilson")
    return Share(
        num_right, num_total, num_right / num_total, float(interval.low), float(interval.high)
    )


def paired_ratio(ours: Sequence[float], peers: Sequence[float]) -> Ratio:
    """Compare measurements that were taken in turns.

    Raises:
        ValueError: the two have different lengths, or none.
    """
    if len(ours) != len(peers) or not ours:
        raise ValueError(f"pairs are needed, got {len(ours)} and {len(peers)} measurements")
    ratios = [a / b for a, b in zip(ours, peers, strict=True)]
    return Ratio(median(ours) / median(peers), min(ratios), median(ratios), max(ratios))


def compare_paired(num_only_a: int, num_only_b: int, num_total: int) -> PairedDifference:
    """The adjusted Wald interval of Bonett & Price (2012), which holds for few questions and for
    few disagreements, too, and McNemar's exact test.

    Raises:
        ValueError: there is nothing to compare, or the counts exceed `num_total`.
    """
    if num_total < 1 or min(num_only_a, num_only_b) < 0 or num_only_a + num_only_b > num_total:
        raise ValueError(
            f"counts must be in 0..num_total, got {num_only_a} and {num_only_b} of {num_total}"
        )
    only_a = (num_only_a + 1) / (num_total + 2)
    only_b = (num_only_b + 1) / (num_total + 2)
    centre = only_a - only_b
    spread = Z_95 * math.sqrt((only_a + only_b - centre * centre) / (num_total + 2))
    return PairedDifference(
        num_total,
        num_only_a,
        num_only_b,
        (num_only_a - num_only_b) / num_total,
        max(-1.0, centre - spread),
        min(1.0, centre + spread),
        mcnemar_p(num_only_a, num_only_b),
    )


def mcnemar_p(num_only_a: int, num_only_b: int) -> float:
    """Two-sided and exact: how probable so uneven a split of the disagreements would be, or one
    more uneven, if either side were as likely."""
    from scipy.stats import binomtest  # likewise

    num_uneven = num_only_a + num_only_b
    return float(binomtest(num_only_a, num_uneven).pvalue) if num_uneven else 1.0
