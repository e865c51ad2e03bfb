"""How often answers are right, over the last ones that could be judged."""

from collections import deque
from dataclasses import dataclass

from measurement.statistics import Share, wilson_share

WINDOW = 1000
NUM_BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """`confidence` is in 0..1, None where the decoder measured none."""

    is_right: bool
    confidence: float | None


class AccuracyWindow:
    """The last judged answers of one decoder, model and source."""

    def __init__(self, size: int = WINDOW) -> None:
        self._judged: deque[Judged] = deque(maxlen=size)

    def add(self, judged: Judged) -> None:
        self._judged.append(judged)

    def accuracy(self) -> Share:
        """The share of the judged answers that are right.

        Raises:
            ValueError: nothing was judged.
        """
        return wilson_share(sum(one.is_right for one in self._judged), len(self._judged))

    def calibration_error(self) -> float | None:
        """Expected calibration error (Naeini et al. 2015) over ten bins of equal width: the mean
        distance of confidence and share right, weighted by answers; None where none had a
        confidence."""
        bins: dict[int, list[Judged]] = {}
        for one in self._judged:
            if one.confidence is not None:
                bins.setdefault(bin_of(one.confidence), []).append(one)
        total = sum(map(len, bins.values()))
        if total == 0:
            return None
        return sum(abs(_gap(members)) * len(members) for members in bins.values()) / total


def bin_of(confidence: float) -> int:
    """0..9; 1.0 belongs to the last."""
    return min(NUM_BINS - 1, int(confidence * NUM_BINS))


def _gap(members: list[Judged]) -> float:
    confidence = sum(one.confidence or 0.0 for one in members) / len(members)
    return confidence - sum(one.is_right for one in members) / len(members)
