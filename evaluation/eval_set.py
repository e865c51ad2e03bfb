"""The problems that are asked: pocket's evaluation set, or a file of the same form."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

STRINGS = ("id", "split", "question")
LISTS = ("facts", "distractors")


@dataclass(frozen=True)
class Problem:
    """`facts` are what the question needs and does not say, `distractors` what it does not need."""

    id: str
    split: str
    question: str
    gold: float
    facts: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()


class UnreadableEvalSet(Exception):
    """The message names the file, the line and what is wrong with it."""


def bundled_eval_set() -> Path:
    """The evaluation set that comes with pocket."""
    return Path(str(files("pocket") / "eval.jsonl"))


def read_eval_set(path: Path) -> list[Problem]:
    """The problems of a JSONL file, in its order; blank lines are skipped.

    Raises:
        UnreadableEvalSet: the file cannot be read, or a line of it is no problem.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        raise UnreadableEvalSet(f"{path}: {failure}") from None
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            problems.append(_problem(json.loads(line)))
        except ValueError as failure:
            raise UnreadableEvalSet(f"{path}, line {number}: {failure}") from None
    if not problems:
        raise UnreadableEvalSet(f"{path}: holds no problem")
    return problems


def _problem(item: Any) -> Problem:  # what a line of JSON holds
    if not isinstance(item, dict):
        raise ValueError(f"must be a JSON object, got {type(item).__name__}")
    for name in STRINGS:
        if not isinstance(item.get(name), str):
            raise ValueError(f"{name} must be a string, got {item.get(name)!r}")
    gold = item.get("gold")
    if not isinstance(gold, (int, float)) or isinstance(gold, bool):
        raise ValueError(f"gold must be a number, got {gold!r}")
    facts, distractors = (_texts(item, name) for name in LISTS)
    return Problem(item["id"], item["split"], item["question"], gold, facts, distractors)


def _texts(item: dict[str, Any], name: str) -> tuple[str, ...]:
    texts = item.get(name, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be a list of strings, got {texts!r}")
    return tuple(texts)
