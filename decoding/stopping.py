"""When a vote is decided before every sample has been counted; pure.

Votes come in the order in which samples were launched, never in which they arrived: short samples
arrive first, so an order of arrival would favour what they say. None is a sample that was used
and gave no answer: it counts as used and votes for nothing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb

Votes = Sequence[str | None]


def beta_decides(votes: Votes, threshold: float) -> bool:
    """Whether the leader is the commonest answer with a probability of at least `threshold`.

    Adaptive-Consistency (Aggarwal et al. 2023, arXiv 2305.11860, the Beta criterion): of the two
    largest counts a ≥ b, P(p_a > p_b) = 1 - I_0.5(a + 1, b + 1), which is the chance of at most a
    heads in a + b + 1 tosses. At 0.95 it stops at 4:0, 6:1 and 8:2.
    """
    counts = Counter(vote for vote in votes if vote is not None)
    (_, a), (_, b) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return _leads(a, b, threshold)


@lru_cache(maxsize=4096)
def _leads(a: int, b: int, threshold: float) -> bool:
    tosses = a + b + 1
    chances: int = sum(comb(tosses, heads) for heads in range(a + 1))
    probability: float = chances / 2**tosses  # exact integers: floats overflow at 1,024 votes
    return probability >= threshold


def window_decides(votes: Votes, width: int) -> bool:
    """Whether the votes end with a complete, unanimous window.

    ESC (Li et al. 2024, arXiv 2401.10480): windows of `width` samples follow each other, they do
    not slide. A sample without an answer breaks unanimity.
    """
    if not votes or len(votes) % width:
        return False
    window = set(votes[-width:])
    return len(window) == 1 and None not in window


def fewest_votes(
    votes: Votes, hoped: str, num_samples: int, decides: Callable[[Votes], bool]
) -> int:
    """How many votes decide if all that follow `votes` are the one hoped for.

    At most `num_samples`, also where that many do not decide.
    """
    whole = [*votes, *[hoped] * (num_samples - len(votes))]
    enough = (n for n in range(1, num_samples) if decides(whole[:n]))
    return next(enough, num_samples)
