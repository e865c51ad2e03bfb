"""A regular expression given by the request, matched in time linear in the reply."""

import re
from typing import Any

import re2  # type: ignore[import-untyped]  # google-re2 ships no type information
from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_PROGRAM_SIZE = 3000
"""RE2 instructions; 100,000 characters against the largest program take about a second."""

_MAX_MEMORY_BYTES = 1 << 22
_PROBE = "a 1\nb"
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_BACKREFERENCE = re.compile(r"\\[1-9]|\(\?P=")


class AnswerPattern(BaseModel):
    r"""RE2 syntax; the last match gives the answer.

    The answer is the group named `answer`, else the first group that took part in the match,
    else the whole match. Matches do not overlap and are sought from the left, so
    `answer is (.+?)\.` finds the last such sentence and `\d+` all digits of the last number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str = Field(min_length=1, max_length=1000)

    @field_validator("pattern")
    @classmethod
    def _check(cls, pattern: str) -> str:
        compiled = _compile(pattern, shown=pattern)
        program_size = _compile(_repeated(pattern), shown=pattern).programsize
        if program_size > MAX_PROGRAM_SIZE:
            raise ValueError(
                f"pattern {pattern!r} compiles to {program_size} instructions, at most "
                f"{MAX_PROGRAM_SIZE} are allowed; use smaller repetition counts"
            )
        if any(found.start() == found.end() for found in compiled.finditer(_PROBE)):
            raise ValueError(
                f"pattern {pattern!r} can match nothing at all; it must consume at least one "
                'character: use "+" rather than "*"'
            )
        return pattern

    def find_last(self, text: str) -> tuple[int, int] | None:
        """The span of the answer in `text`."""
        text = text.encode("utf-8", "replace").decode("utf-8")  # RE2 takes no lone surrogates
        compiled = _compile(self.pattern, shown=self.pattern)
        repeated = _compile(_repeated(self.pattern), shown=self.pattern).match(text)
        start, end = repeated.span(1)
        if start == end:
            return None
        # A repeated group keeps what it held in earlier rounds, so the last match is made anew.
        last = compiled.match(text, start)
        named = [group for name, group in compiled.groupindex.items() if name == "answer"]
        groups = [*named, *range(1, compiled.groups + 1), 0]
        spans: list[tuple[int, int]] = [last.span(group) for group in groups]
        return next(span for span in spans if span != (-1, -1))


def _repeated(pattern: str) -> str:
    """Matches any text in one pass, group 1 holding the last match of `pattern`.

    Asking RE2 for one match after another would be quadratic: `a.*b|a` reads to the end of the
    text each time.
    """
    return rf"\A(?:({pattern})|(?s:.))*"


def _compile(pattern: str, *, shown: str) -> Any:  # Any: google-re2 is untyped
    options = re2.Options()
    options.max_mem = _MAX_MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace")
    if _LOOKAROUND.search(shown):
        reason += "; RE2 has no lookaround, capture the answer in a group instead"
    elif _BACKREFERENCE.search(shown):
        reason += "; RE2 has no backreferences"
    elif pattern != shown and reason.startswith("missing )"):
        reason = r"\Q must be closed by \E"
    raise ValueError(f"pattern {shown!r} is not a valid RE2 expression: {reason}")
