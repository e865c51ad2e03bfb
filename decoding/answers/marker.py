"""Where a reply announces its answer, and where it stops being about this problem."""

import re
from dataclasses import dataclass

_QUESTION = re.compile(
    r"^[ \t*#]*(?:Q|Question|Problem|Pregunta|Problema|Problème|Frage|प्रश्न|问题|問題"
    r"|Human|User)[ \t*]*:",
    re.MULTILINE,
)

_VERB = r"(?:is|was|are|will be|would be|should be|must be|equals)"
_STATED = rf"""
    answer (?:\s(?:to|for|of)\s[^.\n:=]{{1,60}}?)? \s+ {_VERB} (?!\w)
  | (?:correct|right|best)\s(?:option|choice)\s+is (?!\w)
  | respuesta (?:\s(?:final|correcta))? \s+ (?:es|sería) (?!\w)
  | réponse (?:\s(?:finale|correcte))? \s+ (?:est|serait) (?!\w)
  | (?:antwort|lösung) \s+ (?:ist|lautet) (?!\w)
  | resposta (?:\sfinal)? \s+ é (?!\w) | risposta (?:\sfinale)? \s+ è (?!\w)
  | उत्तर | जवाब | ответ | 答案是?为? | 答えは? | คำตอบ(?:คือ)? | jibu\sni | উত্তর | సమాధానం
"""
_LABELLED = r"""
    ^[ \t*_#>]* A [ \t*_]* : (?![^\n]*\n\s*B\s*[:.)])
  | \#\#\#\#
  | (?:answer|respuesta|réponse|antwort|resposta|risposta)
    (?:\s(?:final|finale|correcta|correcte))? [\s*_]* :
  | final\ answer (?=[*_\s]*\n)
"""
_MARKER = re.compile(
    rf"(?:(?P<stated>{_STATED})|{_LABELLED})", re.VERBOSE | re.MULTILINE | re.IGNORECASE
)
_FILLER = re.compile(
    r"(?:[\s*_`\"'~≈:=(\[{]|\\[(\[]|\$(?![\d.\-])|\\(?:text|textbf|mathbf|mathrm)(?=\s*\{)"
    r"|(?:therefore|thus|simply|just|only|exactly|about|approximately|around|roughly|option"
    r"|choice|letter|environ|aproximadamente|लगभग|है|होगा)(?!\w))*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")


@dataclass(frozen=True, slots=True)
class Marker:
    """An announcement such as "the answer is" or `####`.

    `start` is where the announced value begins, past quotes, Markdown and "about"; `end` is the
    end of its sentence or the next marker. A stated marker ("the answer is that …") may hold its
    value anywhere up to `end`, a label (`A:`) only at `start`.
    """

    start: int
    end: int
    is_stated: bool


def own_part(text: str) -> int:
    """The offset at which a reply runs on into another question, or its length.

    That is the first line headed `Q:`, `Question:`, `User:` or the like that has something
    before it. Numbered heads (`Q2.`) are steps of this problem.
    """
    heads = (head.start() for head in _QUESTION.finditer(text))
    first_character = len(text) - len(text.lstrip())
    return next((head for head in heads if head > first_character), len(text))


def find_markers(text: str) -> list[Marker]:
    found = list(_MARKER.finditer(text))
    starts = [*(marker.start() for marker in found), len(text)]
    markers = []
    for marker, end in zip(found, starts[1:], strict=True):
        filler = _FILLER.match(text, marker.end(), end)
        start = filler.end() if filler else marker.end()
        sentence = _SENTENCE_END.search(text, start, end)
        is_stated = marker["stated"] is not None
        markers.append(Marker(start, sentence.start() if sentence else end, is_stated))
    return markers


def sentence_start(text: str, position: int) -> int:
    """The start of the sentence that `position` lies in."""
    start = text.rfind("\n", 0, position) + 1
    for stop in _SENTENCE_END.finditer(text, start, position):
        start = stop.end()
    return start
