"""DeepConf's confidences (Fu et al. 2025, arXiv 2508.15260, section 3); pure.

Token confidence is C_i = -mean of log p over the likeliest tokens of step i: large where the model
puts all its mass on few of them. Group confidence is the mean of C over a window that slides token
by token; a sample shorter than the window is one group.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal

from decoding.engine import Ranked

NUM_LOGPROBS = 20
TraceScore = Literal["lowest_group", "bottom_tenth", "tail"]


def token_confidence(ranked: Ranked) -> float:
    """C of one step, in nats."""
    return -math.fsum(logprob for _, logprob in ranked) / len(ranked)


def group_confidences(confidences: Sequence[float], window: int) -> list[float]:
    """The mean confidence of every window of `window` tokens, in order; of all if there are fewer.

    Raises:
        ValueError: there are no tokens.
    """
    if not confidences:
        raise ValueError("a sample without tokens has no confidence")
    group = _Group(min(window, len(confidences)))
    means = [group.mean_with(confidence) for confidence in confidences]
    return [mean for mean in means if mean is not None]


def trace_confidence(groups: Sequence[float], score: TraceScore) -> float:
    """The confidence of a sample: its lowest group, the mean of its lowest tenth of groups, or its
    last group."""
    match score:
        case "lowest_group":
            return min(groups)
        case "bottom_tenth":
            lowest = sorted(groups)[: math.ceil(len(groups) / 10)]
            return math.fsum(lowest) / len(lowest)
        case "tail":
            return groups[-1]


class GroupWatch:
    """Says when the running group of a sample falls below a threshold, token by token."""

    def __init__(self, window: int, threshold: float) -> None:
        self._group = _Group(window)
        self._threshold = threshold

    def falls_below(self, ranked: Sequence[Ranked]) -> bool:
        """Take the next tokens; whether one of the groups that they complete is below."""
        for step in ranked:
            mean = self._group.mean_with(token_confidence(step))
            if mean is not None and mean < self._threshold:
                return True
        return False


class _Group:
    """The window as it slides. Whole samples and running ones go through the same additions: in
    others the rounding differs, and a sample would be below a threshold that it set itself."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._members: deque[float] = deque()
        self._total = 0.0

    def mean_with(self, confidence: float) -> float | None:
        """The mean once this token is in; None while the window is not full."""
        self._members.append(confidence)
        self._total += confidence
        if len(self._members) > self._width:
            self._total -= self._members.popleft()
        return self._total / self._width if len(self._members) == self._width else None
