"""What a JSON body may not hold, though parsers take it and choke on it later.

Depth beyond 128, NaN and Infinity (also as a number too large for one), NUL characters, halves of
characters (lone surrogates) and integers beyond 64 bits.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from server.errors import InvalidRequest, shown

MAX_DEPTH = 128
MAX_INTEGER = 2**63 - 1
MAX_PLACE_CHARS = 120

# Any of these may be innocent; without all of them, and with few brackets, a body cannot have what
# is refused, and is not parsed a second time.
_SUSPICIOUS = re.compile(rb"NaN|Infinity|\\u0000|\\u[dD][89a-fA-F]|\d{19}|\d[eE]\+?\d{2}")


def check_json(body: bytes) -> None:
    """Raises InvalidRequest. What is no JSON at all passes: its route says so."""
    may_be_deep = body.count(b"[") + body.count(b"{") > MAX_DEPTH
    if not may_be_deep and _SUSPICIOUS.search(body) is None:
        return
    try:
        content = json.loads(body)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as failure:  # no JSON, no UTF-8, or an integer of too many digits
        if "integer string conversion" in str(failure):
            raise _too_large("body", "an integer of thousands of digits") from None
        return
    for place, value, depth in _walk(content):
        if depth > MAX_DEPTH:
            raise _too_deep()
        _check_value(place, value)


def _check_value(place: str, value: Any) -> None:  # any JSON
    if isinstance(value, str):
        _check_text(place, value)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise _too_large(place, shown(value))
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(place, f"{place} must be a finite number, got {shown(value)}")


def _check_text(place: str, text: str) -> None:
    if "\0" in text:
        raise InvalidRequest(place, f"{place} must not hold the character NUL, got {shown(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            place,
            f"{place} must have whole characters, got half of one (a lone surrogate) in "
            f"{shown(text)}",
        ) from None


def _walk(content: Any) -> Iterator[tuple[str, Any, int]]:  # any JSON
    """Every value and every key, with its place and depth; not by recursion, which has an end."""
    waiting: list[tuple[str, Any, int]] = [("", content, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        yield place or "body", value, depth
        inner = depth + 1
        if isinstance(value, dict):
            for key, item in value.items():
                yield place or "body", key, inner
                waiting.append((_within(place, key), item, inner))
        elif isinstance(value, list):
            waiting.extend((_within(place, str(i)), item, inner) for i, item in enumerate(value))


def _within(place: str, step: str) -> str:
    text = f"{place}.{step}" if place else step
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_PLACE_CHARS else text[: MAX_PLACE_CHARS - 1] + "…"


def _too_deep() -> InvalidRequest:
    return InvalidRequest("body", f"the body is nested deeper than {MAX_DEPTH} levels")


def _too_large(place: str, got: str) -> InvalidRequest:
    return InvalidRequest(place, f"{place} must be an integer of at most 64 bits, got {got}")
