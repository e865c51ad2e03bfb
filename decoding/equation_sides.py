"""Where a text states arithmetic: the two sides of every "=" and "≈"; pure.

Written by people and models alike, sides come with units, currencies, list marks and sentences
around them. A side is what can be read as arithmetic beside the sign; where words make part of it
(a variable, `half of`), there is no telling, and the equation is unreadable.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

MAX_SIDE_TOKENS = 64
MAX_UNIT_WORDS = 3


_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3}){1,9}(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)"
    r"|(?P<equals>(?<![<>!=:~])=(?![=>~])|≈)"
    r"|(?P<operator>\*\*|[-+*/^])"
    r"|(?P<open>\()|(?P<close>\))|(?P<percent>%)"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<other>[^\s$€£¥₹]|\n)"
)
_ANNOTATION = re.compile(r"<<[^<>\n]*>>")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}")
_TIMES = re.compile(r"(?<=[\d)%])(\s*)[xX](?=\s*[$€£¥₹]?[\d(])")
_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "∕": "/"})
_LATEX = (("\\times", "*"), ("\\cdot", "*"), ("\\div", "/"), ("\\approx", "≈"), ("\\%", "%"))
_CALCULATING_WORDS = (
    *("times", "plus", "minus", "over", "divided", "multiplied", "than"),
    *("half", "third", "quarter", "twice", "double", "triple"),
)
_PREPOSITIONS = ("of", "by")  # a total of 3 + 4, but half of 6, 1/2 of 6, divided by 3


@dataclass(frozen=True, slots=True)
class Token:
    """`is_attached` says that no space stands before it."""

    kind: str
    text: str
    is_attached: bool


_NOTHING = Token("other", "\n", is_attached=False)


class UnreadableSide(Exception):
    """It is no plain arithmetic, or longer than MAX_SIDE_TOKENS."""


@dataclass(frozen=True)
class Side:
    """What stands on one side of the sign."""

    tokens: tuple[Token, ...]

    @property
    def has_operator(self) -> bool:
        kinds = [token.kind for token in self.tokens]
        return any(kind == "operator" for kind in kinds[1:]) or "of" in kinds

    @cached_property
    def num_decimals(self) -> int:
        """Of a bare number, 0 for a whole one."""
        (number,) = [token for token in self.tokens if token.kind == "number"]
        return len(number.text.partition(".")[2])


@dataclass(frozen=True, slots=True)
class Equation:
    """Two sides and the sign between them, "=" or "≈"."""

    left: Side
    sign: str
    right: Side


def _read(text: str) -> Iterator[Token]:
    text = _ANNOTATION.sub("", text.translate(_SIGNS))
    for latex, sign in _LATEX:
        text = text.replace(latex, sign)
    text = _TIMES.sub(r"\1*", _FRACTION.sub(r"(\1)/(\2)", text))
    end = 0
    for found in _TOKEN.finditer(text):
        yield Token(found.lastgroup or "", found.group(), found.start() == end)
        end = found.end()


def read_equations(text: str) -> Iterator[Equation | None]:
    """Every sign that joins a calculation to something; None for one that cannot be read.

    Takes time linear in the length of the text.
    """
    tokens = _without_units(list(_read(text)))
    for place, token in enumerate(tokens):
        if token.kind != "equals":
            continue
        try:
            left, right = _left_side(tokens, place), _right_side(tokens, place)
        except UnreadableSide:
            yield None
            continue
        if left.tokens and right.tokens and (left.has_operator or right.has_operator):
            yield Equation(left, token.text, right)


def _without_units(tokens: Sequence[Token]) -> list[Token]:
    """Without words that only say what a number counts: `3 apples + 4 apples`, `$12/hour`."""
    kept: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        end = place
        while end < len(tokens) and tokens[end].kind == "word" and end < place + MAX_UNIT_WORDS:
            end += 1
        before = kept[-1].kind if kept else ""
        after = tokens[end].kind if end < len(tokens) else ""
        words = [token.text.lower() for token in tokens[place:end]]
        following = tokens[place + 1].kind if place + 1 < len(tokens) else ""
        if words == ["of"] and before == "percent" and following in ("number", "open"):
            kept.append(Token("of", "of", is_attached=False))
            place += 1
        elif not words or set(words) & {*_CALCULATING_WORDS, *_PREPOSITIONS}:
            kept.append(token)
            place += 1
        elif before == "operator" and kept[-1].text == "/" and token.is_attached:
            kept.pop()
            place += 1
        elif before in ("number", "close") and words[-1] == "x" and after in ("number", "open"):
            kept.append(Token("operator", "*", is_attached=False))
            place = end
        elif before in ("number", "close") and after in ("operator", "equals", "close"):
            if token.is_attached and len(token.text) == 1:
                kept.append(token)  # 2x is no unit
            place = end
        else:
            kept.append(token)
            place += 1
    return kept


_OF_A_SIDE = ("number", "operator", "open", "close", "percent", "of")


def _left_side(tokens: Sequence[Token], place: int) -> Side:
    start = place
    while start > 0 and tokens[start - 1].kind in _OF_A_SIDE:
        start -= 1
        if place - start > MAX_SIDE_TOKENS:
            raise UnreadableSide
    side = list(tokens[start:place])
    before = tokens[start - 1] if start else _NOTHING
    side = side[_last_unmatched_open(side) + 1 :]
    if side and len(side) == place - start:
        is_function = before.kind == "word" and side[0].is_attached
        if is_function or _calculates(tokens, start - 1):
            raise UnreadableSide
        if side[0].kind == "operator" and not _is_sign(side):
            if before.kind == "word" or side[0].text != "-":
                raise UnreadableSide
            side = side[1:]  # a list's dash
    return Side(tuple(side))


def _right_side(tokens: Sequence[Token], place: int) -> Side:
    end = place + 1
    while end < len(tokens) and tokens[end].kind in _OF_A_SIDE:
        end += 1
        if end - place > MAX_SIDE_TOKENS:
            raise UnreadableSide
    side = list(tokens[place + 1 : end])
    after = tokens[end] if end < len(tokens) else _NOTHING
    closed = _first_unmatched_close(side)
    if closed is not None:
        side = side[:closed]
    elif side and after.kind == "word":
        is_variable = after.is_attached and len(after.text) == 1
        following = tokens[end + 1] if end + 1 < len(tokens) else _NOTHING
        goes_on = _calculates(tokens, end) and following.kind in ("number", "open")
        if is_variable or goes_on or side[-1].kind == "operator":
            raise UnreadableSide
    if side and side[-1].kind == "operator":
        side = side[:-1]
    return Side(tuple(side))


def _calculates(tokens: Sequence[Token], place: int) -> bool:
    """Whether the word there makes part of a calculation of the number beside it."""
    if place < 0 or tokens[place].kind != "word":
        return False
    word = tokens[place].text.lower()
    if word not in _PREPOSITIONS:
        return word in _CALCULATING_WORDS
    before = tokens[place - 1] if place else _NOTHING
    return before.kind in ("number", "close") or before.text.lower() in _CALCULATING_WORDS


def _is_sign(side: Sequence[Token]) -> bool:
    """Whether the side begins with a minus that belongs to its number."""
    return side[0].text == "-" and len(side) > 1 and side[1].is_attached


def _last_unmatched_open(side: Sequence[Token]) -> int:
    depth = 0
    for place in range(len(side) - 1, -1, -1):
        depth += (side[place].kind == "close") - (side[place].kind == "open")
        if depth < 0:
            return place
    return -1


def _first_unmatched_close(side: Sequence[Token]) -> int | None:
    depth = 0
    for place, token in enumerate(side):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth < 0:
            return place
    return None
