"""What a JSON body may not hold, though parsers take it and choke on it later.

Bytes that are no UTF-8, other encodings (RFC 8259, section 8.1), depth beyond 128, NaN and Infinity
(also as a number too large for one), NUL characters, halves of characters (lone surrogates),
integers beyond 64 bits, and so many items that to read them would keep all others waiting.
"""

import codecs
import json
import math
import re
from typing import Any

from server.errors import InvalidRequest, shown

MAX_DEPTH = 128
MAX_INTEGER = 2**63 - 1
MAX_PLACE_CHARS = 120
MAX_PARTS = 16_384
"""Objects and lists of a body: messages and their parts are validated on the event loop. They are
counted before they are made, which would take long with more."""
MAX_ITEMS = {
    **dict.fromkeys(("messages", "prompt"), 4096),
    # A prompt each; 2,048 is OpenAI's limit.
    **dict.fromkeys(("input", "inputs", "texts", "documents", "queries"), 2048),
    **dict.fromkeys(("text_1", "text_2", "data_1", "data_2"), 2048),
    **dict.fromkeys(("stop", "stop_sequences"), 128),  # looked for at every token
    "bad_words": 512,
}

Place = tuple[Any, Any] | None
"""A key or number, and the place of what it is in; None is the body."""

# Any of these may be innocent; without all of them, and with few brackets, a body cannot have what
# is refused, and is not parsed a second time.
_SUSPICIOUS = re.compile(rb"NaN|Infinity|\\u0000|\\u[dD][89a-fA-F]|\d{19}|\d[eE]\+?\d{2}")

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def without_mark(body: bytes) -> bytes:
    """The body without UTF-8's byte order mark, which some clients send and parsers may ignore."""
    return body.removeprefix(codecs.BOM_UTF8)


def check_json(body: bytes) -> None:
    """Refuse what parsers choke on. What is no JSON at all passes: its route says so.

    Raises:
        InvalidRequest: the body holds what it must not.
    """
    _check_encoding(body)
    num_brackets = _num_opened(body)
    if num_brackets > MAX_PARTS and _num_opened(_STRING.sub(b"", body)) > MAX_PARTS:
        raise InvalidRequest(
            "body",
            f"the body may have {MAX_PARTS} objects and lists, got more: send fewer messages, or "
            "several requests",
        )
    may_be_deep = num_brackets > MAX_DEPTH
    may_be_long = body.count(b",") >= min(MAX_ITEMS.values())
    if not (may_be_deep or may_be_long) and _SUSPICIOUS.search(body) is None:
        return
    try:
        content = json.loads(body)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as failure:  # no JSON, or an integer of too many digits
        if "integer string conversion" in str(failure):
            raise _too_large("body", "an integer of thousands of digits") from None
        return
    _check_parts(content)
    if isinstance(content, dict):
        _check_items(content)


def _num_opened(body: bytes) -> int:
    """Objects and lists, and brackets in texts."""
    return body.count(b"[") + body.count(b"{")


def _check_encoding(body: bytes) -> None:
    """Check that a body is UTF-8 without zero bytes, by which parsers guess UTF-16 and UTF-32.

    Raises:
        InvalidRequest: it is not.
    """
    if b"\0" in body:
        raise InvalidRequest(
            "body",
            f"the body must be JSON in UTF-8, got a zero byte at offset {body.index(0)}: UTF-16, "
            "UTF-32 and the character NUL are not taken",
        )
    try:
        body.decode()
    except UnicodeDecodeError as failure:
        got = failure.object[failure.start : failure.start + 4].hex(" ")
        raise InvalidRequest(
            "body",
            f"the body must be JSON in UTF-8, got bytes that are none at offset {failure.start}: "
            f"{got}",
        ) from None


def _check_parts(content: Any) -> None:  # any JSON
    """Every value and every key; not by recursion, which has an end."""
    waiting: list[tuple[Any, int, Place]] = [([content], -1, None)]
    while waiting:
        holder, depth, place = waiting.pop()
        if depth >= MAX_DEPTH:
            raise _too_deep()
        is_object = isinstance(holder, dict)
        for key, value in holder.items() if is_object else enumerate(holder):
            if is_object and _is_unsound(key):
                raise _refusal(_written(place), key)
            if isinstance(value, dict | list):
                waiting.append((value, depth + 1, (place, key)))
            elif _is_unsound(value):
                raise _refusal(_written((place, key)), value)


def _check_items(content: dict[str, Any]) -> None:
    """Check the number of items in each field of MAX_ITEMS.

    Raises:
        InvalidRequest: a field has more items than a request may have.
    """
    for name, most in MAX_ITEMS.items():
        items = content.get(name)
        # Token ids make one prompt together.
        if isinstance(items, list) and len(items) > most and not isinstance(items[0], int):
            raise InvalidRequest(
                name, f"{name} may have {most} items, got {len(items)}: send several requests"
            )


def _is_unsound(value: Any) -> bool:  # what is neither list nor object in JSON
    if isinstance(value, str):
        return (not value.isascii() and not _is_whole(value)) or "\0" in value
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and abs(value) > MAX_INTEGER


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refusal(place: str, value: Any) -> InvalidRequest:  # likewise
    if isinstance(value, int):
        return _too_large(place, shown(value))
    if isinstance(value, float):
        return InvalidRequest(place, f"{place} must be a finite number, got {shown(value)}")
    if "\0" in value:
        return InvalidRequest(place, f"{place} must not hold the character NUL, got {shown(value)}")
    return InvalidRequest(
        place,
        f"{place} must have whole characters, got half of one (a lone surrogate) in {shown(value)}",
    )


def _written(place: Place) -> str:
    """The place as a path of keys and numbers, written only when something is wrong there."""
    steps: list[str] = []
    while place is not None:
        place, key = place
        steps.append(str(key))
    text = ".".join(reversed(steps[:-1]))  # the outermost list is ours
    text = text.encode(errors="backslashreplace").decode()
    return (text if len(text) <= MAX_PLACE_CHARS else text[: MAX_PLACE_CHARS - 1] + "…") or "body"


def _too_deep() -> InvalidRequest:
    return InvalidRequest("body", f"the body is nested deeper than {MAX_DEPTH} levels")


def _too_large(place: str, got: str) -> InvalidRequest:
    return InvalidRequest(place, f"{place} must be an integer of at most 64 bits, got {got}")
