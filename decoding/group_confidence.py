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
    """Of every window of `window` tokens, in order; of all tokens where they are fewer.

    Raises:
        ValueError: there are no tokens.
    """
    if not confidences:
        raise ValueError("a sample without tokens has no confidence")
    width = min(window, len(confidences))
    total = math.fsum(confidences[:width])
    groups = [total / width]
    for entering, leaving in zip(confidences[width:], confidences, strict=False):
        total += entering - leaving
        groups.append(total / width)
    return groups


def trace_confidence(groups: Sequence[float], score: TraceScore) -> float:
    """Of a sample: its lowest group, the mean of its lowest tenth of groups, or its last group."""
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
        self._window = window
        self._threshold = threshold
        self._group: deque[float] = deque()
        self._total = 0.0

    def falls_below(self, ranked: Sequence[Ranked]) -> bool:
        """Take the next tokens; whether one of the groups that they complete is below."""
        for step in ranked:
            self._group.append(token_confidence(step))
            self._total += self._group[-1]
            if len(self._group) > self._window:
                self._total -= self._group.popleft()
            is_complete = len(self._group) == self._window
            if is_complete and self._total / self._window < self._threshold:
                return True
        return False
