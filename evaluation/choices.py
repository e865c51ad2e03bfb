"""The decoders that are compared, as a command line names them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.scoring import Grader, make_grader

Json = dict[str, Any]  # a request's `decoding`

PLAIN = "plain"
STRATEGY = "strategy"
ANSWER = "answer"
_NAMED = re.compile(r"(?P<strategy>\w+)(?::(?P<parameters>.+))?", re.DOTALL)
_NEXT_PARAMETER = re.compile(r",(?=\w+=)")


class UnusableChoice(Exception):
    """The message names the decoder and what is wrong with it."""


@dataclass(frozen=True)
class Choice:
    """`label` is the same for the same parameters, however they were written; `decoding` is what
    requests carry, None for plain ones."""

    label: str
    decoding: Json | None
    grader: Grader


def read_choices(texts: Sequence[str], answer: Any) -> list[Choice]:
    """`answer` is the kind of answer of those that do not name theirs.

    Raises:
        UnusableChoice: one is not written as it must be, or two are the same.
    """
    choices: dict[str, Choice] = {}
    for text in texts:
        try:
            choice = _read_choice(text, answer)
        except ValueError as failure:
            raise UnusableChoice(f"--decoders {text}: {failure}") from None
        if choice.label in choices:
            raise UnusableChoice(f"--decoders {text}: {choice.label} is there twice")
        choices[choice.label] = choice
    return list(choices.values())


def _read_choice(text: str, answer: Any) -> Choice:
    given = _read_json(text) if text.startswith("{") else _read_named(text)
    strategy = given.pop(STRATEGY)
    if strategy == PLAIN:
        if given:
            raise ValueError(f"{PLAIN} takes no parameters, got {', '.join(given)}")
        return Choice(PLAIN, None, make_grader(answer))
    grader = make_grader(given.get(ANSWER, answer))
    return Choice(_label(strategy, given), {STRATEGY: strategy, ANSWER: answer, **given}, grader)


def _read_json(text: str) -> Json:
    try:
        given: Json = json.loads(text)
    except ValueError as failure:
        raise ValueError(f"is no JSON object: {failure}") from None
    if not isinstance(given.get(STRATEGY), str):
        raise ValueError(f'"{STRATEGY}" must be a string, got {given.get(STRATEGY)!r}')
    return given


def _read_named(text: str) -> Json:
    named = _NAMED.fullmatch(text)
    if named is None:
        raise ValueError("must be NAME, NAME:key=value,… or a JSON object")
    given: Json = {STRATEGY: named[STRATEGY]}
    parameters = named["parameters"]
    for parameter in _NEXT_PARAMETER.split(parameters) if parameters else ():
        key, equals, value = parameter.partition("=")
        if not equals or not key.isidentifier() or key in given:
            raise ValueError(f"parameters must be key=value, each key once, got {parameter!r}")
        given[key] = _value(value)
    return given


def _value(text: str) -> Any:  # as JSON has it; else the text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _label(strategy: str, given: Json) -> str:
    parameters = ",".join(f"{key}={_shown(given[key])}" for key in sorted(given))
    return f"{strategy}:{parameters}" if parameters else strategy


def _shown(value: Any) -> str:
    """A value as on the command line: text without quotes unless it reads as something else."""
    if isinstance(value, str) and _value(value) == value and "," not in value:
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
