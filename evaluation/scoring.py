"""Is a reply right? Its answer is read and compared by the code that the decoders use.

The one module here that imports it: a plain reply must be read as a decoder's would be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from decoding.answers import AnswerFormat, extract_answer, is_same_answer

_ADAPTER: TypeAdapter[AnswerFormat] = TypeAdapter(AnswerFormat)


@dataclass(frozen=True)
class Grader:
    answer_format: AnswerFormat

    def read(self, text: str) -> str | None:
        """The answer that a reply gives."""
        answer = extract_answer(text, self.answer_format)
        return answer.value if answer else None

    def is_right(self, answer: str | None, gold: Sequence[str]) -> bool:
        """Whether it is any of the right answers."""
        return any(is_same_answer(answer, one, self.answer_format) for one in gold)


def make_grader(answer: Any) -> Grader:  # what a JSON document holds
    """Make the grader of a kind of answer, or of `{"pattern": …}`.

    Raises:
        ValueError: it is neither.
    """
    try:
        return Grader(_ADAPTER.validate_python(answer))
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        chosen = errors[-1] if isinstance(answer, dict) else errors[0]
        reason = chosen["msg"].removeprefix("Value error, ")
        raise ValueError(f"answer {answer!r}: {reason}") from None


def holds_number(text: str) -> bool:
    return extract_answer(text, "number") is not None
