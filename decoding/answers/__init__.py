"""Answers: what a reply says, as a value that can be compared and the characters that say it."""

from decoding.answers.answer import Answer, AnswerFormat, AnswerKind
from decoding.answers.extraction import extract_answer, is_same_answer, normalize_answer
from decoding.answers.pattern import AnswerPattern

__all__ = [
    "Answer",
    "AnswerFormat",
    "AnswerKind",
    "AnswerPattern",
    "extract_answer",
    "is_same_answer",
    "normalize_answer",
]
