"""What one round of questions took."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.eval_set import Problem


@dataclass(frozen=True)
class TokenWork:
    """A round's wall time, and its generated tokens, those of discarded branches included."""

    num_questions: int
    wall_s: float
    num_tokens: int

    @property
    def questions_per_s(self) -> float:
        return self.num_questions / self.wall_s

    @property
    def tokens_per_s(self) -> float:
        return self.num_tokens / self.wall_s


def take_slice(problems: Sequence[Problem], number: int, size: int) -> list[Problem]:
    """The slice of that number; the problems begin anew where they end."""
    return [problems[i % len(problems)] for i in range(number * size, (number + 1) * size)]
