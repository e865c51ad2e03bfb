"""Weighing answers against each other; pure."""

from collections.abc import Iterable


def tally(votes: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The summed weight of each answer, in the order in which answers were first seen."""
    totals: dict[str, float] = {}
    for answer, weight in votes:
        totals[answer] = totals.get(answer, 0.0) + weight
    return totals


def leader(totals: dict[str, float]) -> str:
    """The answer of largest weight; a tie goes to the answer seen first.

    Raises:
        ValueError: there are no answers.
    """
    return max(totals, key=totals.__getitem__)


def share(totals: dict[str, float], answer: str) -> float | None:
    """The part of all weight that an answer holds, in 0..1; None when nothing weighs anything."""
    total = sum(totals.values())
    return totals[answer] / total if total > 0 else None
