"""Option letters A to J, and yes or no.

The article "a" and the pronoun "I" are options only where a marker or brackets say so.
"""

import re
from collections import deque

from decoding.answers.answer import Answer

_REASON = r"(?:because|since|as|and|which|but|for|based|due|from|given|with)\b"
_BOUND = r"(?![\w'’]|\s*[=+/^<>]|\*\w|\s\*\s|-\w)"
_LETTER = re.compile(
    rf"\(?(?:(?P<sure>[B-HJ]){_BOUND}|(?P<article>[AIa-j]){_BOUND}(?!\s+(?!{_REASON})\w))"
)
_SHOWN = re.compile(
    r"(?<!\w)\((?P<bracketed>[A-Ja-j])\)"
    r"|(?<!\w)(?:option|choice|answer)\s+[(*]*(?P<named>[A-J])(?![\w'’])"
    r"|^[ \t*_]*(?P<listed>[A-J])(?:[.):](?!\w)|[ \t*_]*$)",
    re.MULTILINE,
)
_STANDALONE = re.compile(
    rf"(?<![\w'’.-])(?:(?P<sure>[B-HJ]){_BOUND}|(?P<article>[AI])(?=[*_]*(?:[.,;:!?)\"]|\s*$)))"
)
_LISTED = re.compile(r"^[ \t*_]*\(?(?P<listed>[A-J])(?:[.):]+(?!\w)|[ \t*_]*$)", re.MULTILINE)
_ENDING = re.compile(r"(?:\((?P<bracketed>[A-J])\)|option\s+(?P<named>[A-J]))[\s.*_]*\Z")
_BARE_LETTER = re.compile(r"[\s*_\"'(]*(?P<letter>[A-Ja-j])[\s*_\"').:]*")

_YES_OR_NO = (
    r"(?<!\w)(?<!not )(?:(?P<yes>yes|yeah|yep|true|sí|oui|हाँ|हां)|(?P<no>no|nope|false|non|नहीं))"
    r"(?![\w'’])"
)
_CLOSED = rf"(?=[\s*_\"')}}]*(?:[.,;:!?\n]|\Z|\s-|{_REASON}))"
_MARKED = re.compile(
    rf"{_YES_OR_NO}(?:{_CLOSED}|(?<!no)(?<!non)|(?=\s+(?:it|he|she|they|this|that|we|you)\b))",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"[\s*_\"']*{_YES_OR_NO}(?!\.\s*(?:of\b|\d)){_CLOSED}", re.IGNORECASE)
_ANYWHERE = re.compile(rf"{_YES_OR_NO}(?:(?<!no)(?<!non)|{_CLOSED})", re.IGNORECASE)
_LAST_WORD = re.compile(rf"{_YES_OR_NO}[\s.!*_\"')]*\Z", re.IGNORECASE)
_BARE_YES_OR_NO = re.compile(rf"[\s*_\"'(]*{_YES_OR_NO}[\s.!*_\"')]*", re.IGNORECASE)


def option_at(text: str, position: int) -> Answer | None:
    return _option(_LETTER.match(text, position))


def bare_option(text: str, start: int, end: int) -> Answer | None:
    return _option(_BARE_LETTER.fullmatch(text, start, end))


def shown_option(text: str, start: int, end: int) -> Answer | None:
    """The last `(B)`, `option B` or line that begins with `B.`"""
    return _option(_last(_SHOWN, text, start, end))


def standalone_option(text: str) -> Answer | None:
    return _option(_last(_STANDALONE, text, 0, len(text)))


def leading_option(text: str) -> Answer | None:
    """The option that the reply begins with, unless it lists several."""
    first = _LISTED.match(text)
    if first is None or len({listed["listed"] for listed in _LISTED.finditer(text)}) > 1:
        return None
    return _option(first)


def ending_option(text: str) -> Answer | None:
    return _option(_ENDING.search(text))


def yes_or_no_at(text: str, position: int) -> Answer | None:
    return _yes_or_no(_MARKED.match(text, position))


def bare_yes_or_no(text: str, start: int, end: int) -> Answer | None:
    return _yes_or_no(_BARE_YES_OR_NO.fullmatch(text, start, end))


def leading_yes_or_no(text: str) -> Answer | None:
    return _yes_or_no(_LEADING.match(text))


def last_yes_or_no(text: str) -> Answer | None:
    return _yes_or_no(_last(_ANYWHERE, text, 0, len(text)))


def ending_yes_or_no(text: str) -> Answer | None:
    return _yes_or_no(_LAST_WORD.search(text))


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    found = deque(pattern.finditer(text, start, end), maxlen=1)
    return found.pop() if found else None


def _option(found: re.Match[str] | None) -> Answer | None:
    if found is None:
        return None
    name = next(name for name, letter in found.groupdict().items() if letter)
    return Answer(found[name].upper(), *found.span(name))


def _yes_or_no(found: re.Match[str] | None) -> Answer | None:
    if found is None:
        return None
    name = "yes" if found["yes"] else "no"
    return Answer(name, *found.span(name))
