"""How sure a path is of its answer (Wang & Zhou 2024, arXiv 2402.10200, section 2.2, Δ)."""

from collections.abc import Sequence

from decoding.answers import Answer
from decoding.path import Path


def tokens_of_span(ends: Sequence[int], start: int, end: int) -> range:
    """The tokens whose characters overlap `[start, end)`.

    `ends[i]` is where token i's characters end. A token without characters belongs to the span
    when it stands at or after `start` and before `end`: the first bytes of a character do.
    """
    begins = (0, *ends[:-1])
    overlapping = [
        i
        for i, (b, e) in enumerate(zip(begins, ends, strict=True))
        if b < end and (e > start or b >= start)
    ]
    return range(overlapping[0], overlapping[-1] + 1) if overlapping else range(0)


def answer_confidence(path: Path, answer: Answer) -> float:
    """Δ: the mean of p(x1) - p(x2) over the tokens of the answer, in 0..1.

    Raises:
        ValueError: the path carries no log-probabilities, or the answer lies outside it.
    """
    tokens = tokens_of_span(path.decoded.ends, answer.start, answer.end)
    gaps = path.gaps[tokens.start : tokens.stop]
    if not gaps:
        raise ValueError(f"no log-probabilities for the answer at {answer.start}:{answer.end}")
    return sum(gaps) / len(gaps)
