"""The answer of one reply, and the ways to ask for it."""

from dataclasses import dataclass
from typing import Literal

from decoding.answers.pattern import AnswerPattern


@dataclass(frozen=True, slots=True)
class Answer:
    """A normalised value and the characters `text[start:end]` that state it.

    Two answers are the same answer exactly when their values are equal.
    """

    value: str
    start: int
    end: int


AnswerKind = Literal["auto", "number", "option", "yes_no", "boxed", "text"]
AnswerFormat = AnswerKind | AnswerPattern
