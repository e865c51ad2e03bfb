"""The operator's file of problems: one a line, as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class UnusableCanaries(Exception):
    """What the operator set up for canaries cannot be used; the message says why."""


def _texts(gold: object) -> object:
    """One right answer, or several that are equally right; numbers as they are written."""
    values = gold if isinstance(gold, list | tuple) else [gold]
    is_number = (isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return tuple(
        json.dumps(v) if number else v for v, number in zip(values, is_number, strict=True)
    )


class Problem(BaseModel):
    """Any of `gold` is right. What else a line holds is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = Field(min_length=1)
    gold: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(_texts),
        Field(min_length=1),
    ]


@dataclass(frozen=True, slots=True)
class ProblemFile:
    """What a file holds: problems in its order, and what is wrong with its other lines."""

    problems: tuple[Problem, ...]
    broken: tuple[str, ...]


def read_problems(path: Path) -> ProblemFile:
    """A line that is no problem is told with its number and left out; blank ones are skipped.

    Raises:
        UnusableCanaries: the file cannot be read, or none of its lines is a problem.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as failure:
        raise UnusableCanaries(f"{path}: {failure.strerror}") from None
    problems, broken = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            problems.append(Problem.model_validate_json(line))
        except ValidationError as failure:
            broken.append(f"line {number}: {_reason(failure)}")
    if not problems:
        first = f"; {broken[0]}" if broken else ""
        raise UnusableCanaries(f"{path}: no problem in it{first}")
    return ProblemFile(tuple(problems), tuple(broken))


def _reason(failure: ValidationError) -> str:
    error = failure.errors(include_url=False)[0]
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else error["msg"]
