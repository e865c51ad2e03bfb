"""Finding the answer of a reply, and bringing a reference answer to the same form."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from decoding.answers import choice
from decoding.answers.answer import Answer, AnswerFormat, AnswerKind
from decoding.answers.latex import last_box, normalize_latex, unwrap
from decoding.answers.marker import Marker, find_markers, own_part, sentence_start
from decoding.answers.numeral import Numerals, to_ascii
from decoding.answers.pattern import AnswerPattern

_OPERATOR = re.compile(r"\s*[-+*/×÷]\s*[(\d$\\]")
_CALCULATION = re.compile(r"(?:\s*[^\W\d_]+){0,2}\s*(?:[-+/×÷=]|\*(?!\*)|x\s)")
_BEFORE_NUMBER = re.compile(r"[\s*_]*(?:\$(?!\d))?(?:[A-Za-z]\s*=\s*)?")
_AFTER_NUMBER = re.compile(
    r"\s*(?:\\?[%$]|[€£¥₹°]|\^\{?\\circ\}?|\\(?:text|mathrm)\s*\{[^{}]*\}(?:\^\{?\d\}?)?)?[\s*_$.]*"
)
_UNIT = re.compile(r"(?:\s*[€£¥₹%$]|(?:\s+[^\W\d_]{2,}){1,3})[\s*_.]*")


@dataclass(frozen=True, slots=True)
class _Reply:
    """One text in ASCII digits and punctuation, cut where it runs on into another question."""

    text: str
    numerals: Numerals
    markers: list[Marker]
    box: tuple[int, int] | None


def extract_answer(text: str, answer_format: AnswerFormat = "auto") -> Answer | None:
    r"""The answer that `text` gives, or None.

    - `number`: the last `\boxed{…}` with a number, else the last marker with a number ("the
      answer is", `####`, `A:`, their like in other languages), else the last number. In a
      sentence with "=", the number after the last "=". Units, `%` and currency are dropped:
      `20%` is `20`.
    - `option`: a letter A to J; in the box, else right after the last marker that has one, else
      the last `(B)`, `option B` or line `B.`, else the last capital letter standing alone.
    - `yes_no`: `yes` or `no`, also from true/false and their like in Spanish, French and Hindi;
      in the box, else right after the last marker that has one, else the reply's first word,
      else the last such word.
    - `boxed`: inside the last `\boxed{…}`; a number in normal form, else LaTeX.
    - `text`: the whole reply; case and spacing do not count.
    - a pattern: what it captures in its last match; a number in normal form, else as it stands.
    - `auto`: the last `\boxed{…}`, else what the last marker announces (a number, letter or yes
      or no right after it, else the last `(B)` or number of the sentence "the answer is …"),
      else the option or yes/no that the reply begins with, else the `(B)` that it ends with,
      else the last number, else the last `(B)`, else the yes/no that it ends with.

    A reply that runs on into another question (a line `Q:` or `User:`) is read up to there,
    except by `text` and patterns. Runs in time linear in the length of `text`.
    """
    if isinstance(answer_format, AnswerPattern):
        span = answer_format.find_last(text)
        return _strip(text, *span, numeric=True) if span else None
    if answer_format == "text":
        return _strip(text, 0, len(text), numeric=False)
    return _EXTRACTORS[answer_format](_read(text))


def normalize_answer(value: str, answer_format: AnswerFormat = "auto") -> str:
    """The normal form of a bare answer, such as a reference: what `extract_answer` would give.

    Text that holds no answer of the kind asked for is kept, with case and spacing made even.
    """
    if isinstance(answer_format, AnswerPattern):
        stripped = _strip(value, 0, len(value), numeric=True)
        return stripped.value if stripped else ""
    if answer_format == "text":
        return _fold(value)
    reply = _read(value)
    bare = _BARE[answer_format](reply, 0, len(reply.text))
    if bare is None:
        bare = (_told if answer_format == "auto" else _EXTRACTORS[answer_format])(reply)
    if bare is None and answer_format in ("auto", "boxed"):
        bare = _boxed_in(reply, 0, len(reply.text))
    return bare.value if bare else _fold(reply.text)


def is_same_answer(
    answer: str | None, reference: str, answer_format: AnswerFormat = "auto"
) -> bool:
    """Whether an answer is the right one; no answer never is."""
    if answer is None:
        return False
    forms = (normalize_answer(value, answer_format) for value in (answer, reference))
    return next(forms) == next(forms)


def _read(text: str) -> _Reply:
    text = to_ascii(text)
    text = text[: own_part(text)]
    return _Reply(text, Numerals(text), find_markers(text), last_box(text))


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _strip(text: str, start: int, end: int, *, numeric: bool) -> Answer | None:
    stripped = text[start:end].strip()
    if not stripped:
        return None
    start += text[start:end].index(stripped[0])
    if not numeric:
        return Answer(_fold(stripped), start, start + len(stripped))
    reply = _read_bare(stripped)
    number = _whole_number(reply, 0, len(stripped))
    if number is None:
        return Answer(stripped, start, start + len(stripped))
    return Answer(number.value, start + number.start, start + number.end)


def _read_bare(text: str) -> _Reply:
    text = to_ascii(text)
    return _Reply(text, Numerals(text), [], None)


def _whole_number(reply: _Reply, start: int, end: int) -> Answer | None:
    """The number that `text[start:end]` consists of, but for currency, `%` and Markdown."""
    return _lone_number(reply, start, end, _AFTER_NUMBER)


def _number_in(reply: _Reply, start: int, end: int) -> Answer | None:
    """The number as in `_whole_number`, with up to three words of unit allowed."""
    return _whole_number(reply, start, end) or _lone_number(reply, start, end, _UNIT)


def _lone_number(reply: _Reply, start: int, end: int, rest: re.Pattern[str]) -> Answer | None:
    before = _BEFORE_NUMBER.match(reply.text, start, end)
    first = before.end() if before else start
    number = reply.numerals.at(first, end)
    if number is None or any(skipped.isdigit() for skipped in reply.text[first : number.start]):
        return None
    return number if rest.fullmatch(reply.text, number.end, end) else None


def _boxed_in(reply: _Reply, start: int, end: int) -> Answer | None:
    number = _number_in(reply, start, end)
    if number is not None:
        return number
    latex = normalize_latex(reply.text[start:end])
    inner = _read_bare(latex)
    number = _number_in(inner, 0, len(latex))
    return Answer(number.value if number else latex, start, end) if latex else None


def _auto_in(reply: _Reply, start: int, end: int) -> Answer | None:
    number = _number_in(reply, start, end)
    if number is not None:
        return number
    content = unwrap(reply.text[start:end])
    inner_start = start + reply.text[start:end].index(content)
    inner_end = inner_start + len(content)
    return choice.bare_option(reply.text, inner_start, inner_end) or choice.bare_yes_or_no(
        reply.text, inner_start, inner_end
    )


def _number(reply: _Reply) -> Answer | None:
    if reply.box:
        boxed = _number_in(reply, *reply.box) or reply.numerals.last(*reply.box)
        if boxed:
            return boxed
    for marker in reversed(reply.markers):
        marked = _number_right_after(reply, marker) or _number_in_sentence(reply, marker)
        if marked:
            return marked
    return _last_number(reply)


def _number_right_after(reply: _Reply, marker: Marker) -> Answer | None:
    number = reply.numerals.at(marker.start, len(reply.text))
    if number and _CALCULATION.match(reply.text, number.end, marker.end):
        return _result(reply, number.end, marker.end) or number
    return number


def _number_in_sentence(reply: _Reply, marker: Marker) -> Answer | None:
    if not marker.is_stated:
        return None
    span = marker.start, marker.end
    return _result(reply, *span) or reply.numerals.last(*span)


def _last_number(reply: _Reply) -> Answer | None:
    last = reply.numerals.last(0, len(reply.text))
    if last is None:
        return None
    return _result(reply, sentence_start(reply.text, last.start), last.end) or last


def _result(reply: _Reply, start: int, end: int) -> Answer | None:
    """The number after the last "=", unless a calculation goes on from it."""
    equals = reply.text.rfind("=", start, end)
    number = reply.numerals.first(equals + 1, end) if equals >= 0 else None
    if number is None or _OPERATOR.match(reply.text, number.end):
        return None
    return number


def _option(reply: _Reply) -> Answer | None:
    if reply.box and (boxed := _auto_in(reply, *reply.box)) and boxed.value in "ABCDEFGHIJ":
        return boxed
    for marker in reversed(reply.markers):
        marked = choice.option_at(reply.text, marker.start) or (
            choice.shown_option(reply.text, marker.start, marker.end) if marker.is_stated else None
        )
        if marked:
            return marked
    return choice.shown_option(reply.text, 0, len(reply.text)) or choice.standalone_option(
        reply.text
    )


def _yes_no(reply: _Reply) -> Answer | None:
    if reply.box and (boxed := _auto_in(reply, *reply.box)) and boxed.value in ("yes", "no"):
        return boxed
    for marker in reversed(reply.markers):
        if marked := choice.yes_or_no_at(reply.text, marker.start):
            return marked
    return choice.leading_yes_or_no(reply.text) or choice.last_yes_or_no(reply.text)


def _boxed(reply: _Reply) -> Answer | None:
    return _boxed_in(reply, *reply.box) if reply.box else None


def _auto(reply: _Reply) -> Answer | None:
    return (
        _told(reply)
        or choice.leading_option(reply.text)
        or choice.leading_yes_or_no(reply.text)
        or choice.ending_option(reply.text)
        or _last_number(reply)
        or choice.shown_option(reply.text, 0, len(reply.text))
        or choice.ending_yes_or_no(reply.text)
    )


def _told(reply: _Reply) -> Answer | None:
    """What a box or a marker gives, whatever its kind."""
    start, end = reply.box or (0, len(reply.text))
    if reply.box and (boxed := _auto_in(reply, start, end)):
        return boxed
    for marker in reversed(reply.markers):
        inside = replace(marker, end=min(marker.end, end))
        if start <= marker.start < end and (announced := _announced(reply, inside)):
            return announced
    return _boxed(reply)


def _announced(reply: _Reply, marker: Marker) -> Answer | None:
    announced = (
        _number_right_after(reply, marker)
        or choice.option_at(reply.text, marker.start)
        or choice.yes_or_no_at(reply.text, marker.start)
    )
    if announced or not marker.is_stated:
        return announced
    shown = choice.shown_option(reply.text, marker.start, marker.end)
    return shown or _number_in_sentence(reply, marker)


_EXTRACTORS: dict[AnswerKind, Callable[[_Reply], Answer | None]] = {
    "auto": _auto,
    "number": _number,
    "option": _option,
    "yes_no": _yes_no,
    "boxed": _boxed,
}
_BARE: dict[AnswerKind, Callable[[_Reply, int, int], Answer | None]] = {
    "auto": _auto_in,
    "number": _number_in,
    "option": lambda reply, start, end: choice.bare_option(reply.text, start, end),
    "yes_no": lambda reply, start, end: choice.bare_yes_or_no(reply.text, start, end),
    "boxed": _number_in,
}
