"""The text of one side of an equation as tokens: numbers, operators, units, and what spoils it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from decoding.answers.numeral import to_ascii

MAX_UNIT_WORDS = 3


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REWRITES = (
    (re.compile(r"(=[ $]*)<<[^<>\n]*>>"), r"\1"),
    (re.compile(r"<<([^<>\n]*)>>"), r"; \1 ;"),
    (re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}"), r"((\1)/(\2))"),
    (re.compile(r"\\(?:boxed|text|mathrm|textbf)\{([^{}\n]{0,80})\}"), r" \1 "),
    (re.compile(r"\\(?:times|cdot)(?![a-z])|[×·⋅∙∗]"), "*"),
    (re.compile(r"\\div(?![a-z])|[÷∕]|\b(?:divided|÷) by\b"), "/"),
    (re.compile(r"\bmultiplied by\b"), "*"),
    (re.compile(r"\\approx(?![a-z])"), "≈"),
    (re.compile(r"\\(?:left|right)(?![a-z])|\\(?=[$%])"), ""),
    # Emphasis: a power has an operand or a blank on both sides.
    (re.compile(r"(?<![\w) ])\*\*|(?<= )\*\*(?! )|(?<! )\*\*(?![\w(.+-])"), " "),
)
_CHARACTERS = str.maketrans("{}[]", "()()", "°¢") | {ord("²"): "^2", ord("³"): "^3"}
_TOKEN = re.compile(
    r"(?P<number>[$€£¥₹]?(?:\d+(?:[.,:]\d+)*|(?<![\w.])\.\d+))"
    r"|(?P<operator>\*\*|[-+*/^])|(?P<open>\()|(?P<close>\))|(?P<percent>%)"
    r"|(?P<word>[^\W\d_]+(?:[-'’&][^\W\d_]+)*)|(?P<dots>\.{2,}|…)"
    r"|(?P<spoiler>[√∛π∞∑∏∫_~!⁰-₎¹¼-¾⅐-⅞\x00])|(?P<stop>[^\s$€£¥₹]|\n)"
)
CUT = "\x00"  # a spoiler where a window ends, so that no side is read in part
SPOKEN = {"x": "*", "X": "*", "times": "*", "plus": "+", "minus": "-", "^": "**"}
BINDING = words_of(
    "half halves third thirds fourth fifth quarter quarters twice thrice double triple than over"
    " times plus minus hundred thousand million billion trillion dozen dozens remainder k pi e"
    " sqrt root log ln sin cos tan exp max min mod square squared cube cubed frac sum difference"
    " product average mean divide divided multiply multiplied subtract subtracting"
)
JOINING = words_of("of by in per at for from with each every and")
NO_UNIT = BINDING | words_of(
    "is are was were be equals has have had gets makes and or but so then because that which"
)
COUNTED = ("number", "close", "percent", "unit")
OF_A_SIDE = (*COUNTED, "operator", "open")


@dataclass(frozen=True, slots=True)
class Token:
    """`is_attached`: no space before it. A unit's text is the words that name it."""

    kind: str
    text: str
    is_attached: bool


STOP = Token("stop", "", is_attached=False)


def rewrite(text: str) -> str:
    text = f"\n{to_ascii(text)}"
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text.translate(_CHARACTERS)


def read_tokens(segment: str) -> list[Token]:
    """Read the tokens of a segment: units are found, and operators that are words become signs."""
    raw, end = [], -1
    for found in _TOKEN.finditer(segment):
        raw.append(Token(found.lastgroup or "", found[0], found.start() == end))
        end = found.end()
    tokens: list[Token] = []
    place = 0
    while place < len(raw):
        taken, num_taken = _with_unit(raw, place, tokens)
        tokens += taken
        place += num_taken
    return tokens


def _with_unit(raw: Sequence[Token], place: int, before: list[Token]) -> tuple[list[Token], int]:
    token, last = raw[place], before[-1] if before else STOP
    follows = [*raw[place : place + MAX_UNIT_WORDS + 2], STOP]
    num_words = next(i for i, follower in enumerate(follows) if follower.kind != "word")
    after = follows[num_words].kind
    if not num_words:
        return [token], 1
    if last.text == "/" and token.is_attached and _is_unit(token) and is_counted(before[:-1]):
        before.pop()  # a rate: $12/hour
        return [Token("unit", token.text, is_attached=False)], 1
    if not is_counted(before):
        return [token], 1
    if token.text == "of" and num_words == 1 and after in ("number", "open") and _is_share(before):
        return [Token("operator", "*", is_attached=False)], 1
    *units, final = follows[:num_words]
    if not all(map(_is_unit, units)) or num_words > MAX_UNIT_WORDS + 1:
        return [token], 1
    named = [Token("unit", " ".join(t.text for t in units), is_attached=False)] if units else []
    if final.text in SPOKEN and after in ("number", "open") and not _is_hex(before, final):
        return [*named, Token("operator", final.text, is_attached=False)], num_words
    is_closed = after in ("operator", "close") or place + num_words == len(raw)
    if is_closed and _is_unit(final) and num_words <= MAX_UNIT_WORDS:
        text = " ".join(t.text for t in follows[:num_words])
        return [Token("unit", text, is_attached=False)], num_words
    return [token], 1


def _is_unit(token: Token) -> bool:
    return len(token.text) > 1 and token.text.lower() not in NO_UNIT


def is_counted(before: Sequence[Token]) -> bool:
    return bool(before) and before[-1].kind in COUNTED


def _is_share(before: Sequence[Token]) -> bool:
    return before[-1].kind == "percent" or (len(before) > 1 and before[-2].text == "/")


def _is_hex(before: Sequence[Token], x: Token) -> bool:
    return before[-1].text == "0" and x.is_attached
