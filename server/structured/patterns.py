"""Bounds on regular expressions: their length and what their counts multiply to."""

import re

from server.errors import InvalidRequest, shown

MAX_PATTERN_CHARS = 4096
# What a pattern would be with its counts written out. Backends that do write them out (outlines,
# llguidance) need memory in proportion; no phone number, date or identifier comes near.
MAX_PATTERN_SIZE = 10_000
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_MAX_COUNT_DIGITS = 9


def check_pattern(pattern: object, field: str, keyword: str | None = None) -> None:
    """`keyword` is where in the field the pattern stands.

    Raises:
        InvalidRequest: it is no text, too long, or repeats too much.
    """
    name = field if keyword is None else f"{field}: {keyword}"
    if not isinstance(pattern, str):
        raise InvalidRequest(field, f"{name} must be a string, got {shown(pattern)}")
    if len(pattern) > MAX_PATTERN_CHARS:
        raise InvalidRequest(
            field,
            f"{name} may have {MAX_PATTERN_CHARS} characters, got {len(pattern)}: {shown(pattern)}",
        )
    if written_out_size(pattern) > MAX_PATTERN_SIZE:
        raise InvalidRequest(
            field,
            f"{name} {shown(pattern)} repeats too much: its counts written out are more than "
            f"{MAX_PATTERN_SIZE} characters",
        )


def written_out_size(pattern: str) -> int:
    """How many atoms the pattern has once each counted repetition is written out.

    It reads any text, an unbalanced one too: what is wrong with it is for the compiler to say.
    """
    totals, last = [0], 0  # a total for each open group; what a count would repeat
    at = 0
    while at < len(pattern):
        char = pattern[at]
        count = _COUNT.match(pattern, at) if char == "{" else None
        if count is not None:
            totals[-1] += last * (_most(count) - 1)
            last *= _most(count)
            at = count.end()
            continue
        if char == "(":
            totals.append(0)
        elif char == ")" and len(totals) > 1:
            last = totals.pop()
            totals[-1] += last
        elif char not in "*+?|":
            last = 1
            totals[-1] += 1
        at = _end_of_class(pattern, at) if char == "[" else at + 1 + (char == "\\")
    return sum(totals)


def _most(count: re.Match[str]) -> int:
    """The most repetitions, at least 1: that many copies are made."""
    digits = (count[3] or count[1]).lstrip("0")
    return max(1, int(digits or 0)) if len(digits) <= _MAX_COUNT_DIGITS else 10**_MAX_COUNT_DIGITS


def _end_of_class(pattern: str, at: int) -> int:
    """Where the text goes on after `[…]`."""
    at += 2 if pattern[at + 1 : at + 2] == "^" else 1
    if pattern[at : at + 1] == "]":  # a literal one
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 1 + (pattern[at] == "\\")
    return at + 1
