"""What of the text beside a sign is a side of the equation, and how sure that is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decoding.verifiers.equations.tokens import (
    BINDING,
    JOINING,
    MAX_UNIT_WORDS,
    OF_A_SIDE,
    STOP,
    Token,
    is_counted,
)


class UnreadableSide(Exception):
    """The side is no plain arithmetic, or beyond the limits."""


@dataclass(frozen=True, slots=True)
class Side:
    """`is_sure`: a difference is the writer's error, not possibly the reader's."""

    tokens: tuple[Token, ...]
    is_sure: bool
    is_cut_short: bool = False

    @property
    def has_operator(self) -> bool:
        return any(token.kind == "operator" for token in self.tokens[1:])

    @property
    def units(self) -> set[str]:
        words = {w for t in self.tokens if t.kind == "unit" for w in t.text.lower().split()}
        signs = {"$" for t in self.tokens if t.kind == "number" and t.text[0] == "$"}
        return signs | words | {word.rstrip("s") for word in words}


def left_side(tokens: Sequence[Token]) -> Side:
    start = len(tokens)
    while start and tokens[start - 1].kind in OF_A_SIDE:
        start -= 1
    start += _last_unmatched_open(tokens[start:]) + 1
    side, before = list(tokens[start:]), tokens[start - 1] if start else STOP
    words = _words_before(tokens[:start])
    is_name = bool(words) and len(words[0]) == 1 and words[0] not in "ai"
    if side and (before.kind == "spoiler" or is_name or (words and side[0].is_attached)):
        raise UnreadableSide
    if (closed := max(_unmatched_closes(side), default=None)) is not None:
        side = side[closed + 1 :]
        if side and side[0].kind == "operator":
            raise UnreadableSide
    if before.text == "\n" and len(side) > 1 and side[0].text in "-+*" and not side[1].is_attached:
        side = side[1:]  # a list's mark
    is_joined = is_counted(tokens[: start - len(words)]) and not JOINING.isdisjoint(words)
    is_lone = bool(side) and not any(token.kind == "operator" for token in side)
    is_label = bool(words) and bool(side) and (is_lone or side[0].kind == "operator")
    is_named = is_lone and start > 0 and side[-1].kind == "unit"
    is_bound = not BINDING.isdisjoint(words)
    return Side(tuple(side), is_sure=not (is_joined or is_label or is_named or is_bound))


def right_side(tokens: Sequence[Token]) -> Side:
    end = 0
    while end < len(tokens) and tokens[end].kind in OF_A_SIDE:
        end += 1
    side, after = list(tokens[:end]), [*tokens[end:], STOP, STOP]
    closed = next(_unmatched_closes(side), None)
    if closed is not None:
        side, after = side[:closed], [STOP]
    opened = _last_unmatched_open(side)
    if opened >= 0:
        side, after = side[:opened], [STOP]
    if after[0].kind == "spoiler" and (after[0].text != "!" or after[1].kind == "operator"):
        raise UnreadableSide
    is_sure = all(token.text != "times" for token in side)  # he lost 6 times $5
    if side and after[0].kind == "word":
        word = after[0].text.lower()
        is_name = len(word) == 1 and (after[0].is_attached or word not in "ai")
        if is_name or (word in BINDING and after[1].kind in ("number", "open")):
            raise UnreadableSide
        is_sure = is_sure and word not in BINDING and after[1].text not in ("^", "**")
        side.append(Token("unit", word, is_attached=False))
    return Side(tuple(side), is_sure, is_cut_short=after[0].kind == "dots")


def _words_before(tokens: Sequence[Token]) -> list[str]:
    words: list[str] = []
    for token in reversed(tokens[-MAX_UNIT_WORDS:]):
        if token.kind != "word":
            break
        words.append(token.text.lower())
    return words


def _last_unmatched_open(side: Sequence[Token]) -> int:
    depth = 0
    for place in range(len(side) - 1, -1, -1):
        depth += (side[place].kind == "close") - (side[place].kind == "open")
        if depth < 0:
            return place
    return -1


def _unmatched_closes(side: Sequence[Token]) -> Iterator[int]:
    depth = 0
    for place, token in enumerate(side):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth < 0:
            yield place
            depth = 0
