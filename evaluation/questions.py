"""What is asked: pocket's evaluation set, or a file in one of three formats, told by content."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from evaluation.eval_set import bundled_eval_set, read_eval_set
from evaluation.scoring import holds_number

Format = Literal["replay", "gsm8k", "mgsm"]

POCKET = "pocket"
DEFAULT_SPLIT = "held_out_numbers"
GSM8K_MARK = "####"
MAX_SHOWN_CHARACTERS = 60
NUM_DIGEST_DIGITS = 12


class UnreadableDataset(Exception):
    """The message names the file, the line and what is wrong with it."""


def _as_texts(gold: object) -> object:
    values = gold if isinstance(gold, (list, tuple)) else [gold]
    if any(isinstance(v, bool) or not isinstance(v, (str, int, float)) for v in values):
        raise ValueError(f"must be a string, a number or a list of them, got {gold!r}")
    return [str(value) for value in values]


class Question(BaseModel):
    """Any of `gold` is right."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    gold: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(_as_texts),
        Field(min_length=1),
    ]


class _Gsm8kLine(BaseModel):
    question: str = Field(min_length=1)
    answer: str


@dataclass(frozen=True)
class Dataset:
    """`answer` is the kind of answer that its questions have."""

    name: str
    answer: str
    questions: tuple[Question, ...]

    @property
    def fingerprint(self) -> str:
        """The name and what tells these questions from any others under it."""
        digest = hashlib.sha256()
        for question in self.questions:
            digest.update(question.model_dump_json().encode() + b"\n")
        return f"{self.name} (sha256 {digest.hexdigest()[:NUM_DIGEST_DIGITS]})"


def read_dataset(source: str, format: Format | None, split: str | None) -> Dataset:
    """`source` is `pocket` or a file's path; a `format` of None is told by the first line.

    Raises:
        UnreadableDataset: the file cannot be read, a line is no question, or a choice does not go
            with the source.
    """
    if source == POCKET:
        if format is not None:
            raise UnreadableDataset(f"--format {format} goes with a file, not with {POCKET}")
        return _read_pocket(split or DEFAULT_SPLIT)
    if split is not None:
        raise UnreadableDataset(f"--split {split} goes with {POCKET}, not with a file")
    return _read_file(Path(source), format)


def _read_pocket(split: str) -> Dataset:
    problems = read_eval_set(bundled_eval_set())
    splits = list(dict.fromkeys(problem.split for problem in problems))
    if split not in splits:
        raise UnreadableDataset(f"--split must be one of {', '.join(splits)}, got {split!r}")
    questions = tuple(
        Question(id=problem.id, question=problem.question, gold=(str(problem.gold),))
        for problem in problems
        if problem.split == split
    )
    return Dataset(f"{POCKET} {split}", "number", questions)


def _read_file(path: Path, format: Format | None) -> Dataset:
    lines = _numbered_lines(path)
    if not lines:
        raise UnreadableDataset(f"{path}: holds no question")
    questions: dict[str, Question] = {}
    for number, line in lines:
        try:
            format = format or _tell_format(line)
            question = _READERS[format](number, line)
            if question.id in questions:
                raise ValueError(f"id: {question.id!r} was there before")
        except ValueError as failure:
            raise UnreadableDataset(f"{path}, line {number}: {_reason(failure)}") from None
        questions[question.id] = question
    return Dataset(path.name, "auto" if format == "replay" else "number", tuple(questions.values()))


def _numbered_lines(path: Path) -> Sequence[tuple[int, str]]:
    """The lines with their numbers, without blank ones. Only "\\n" ends a line: others may stand
    within a question."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else failure
        raise UnreadableDataset(f"{path}: {reason}") from None
    lines = enumerate(text.split("\n"), start=1)
    return [(number, line.rstrip("\r")) for number, line in lines if line.strip()]


def _tell_format(line: str) -> Format:
    if line.lstrip().startswith("{"):
        try:
            item = json.loads(line)
        except ValueError as failure:
            raise ValueError(f"Invalid JSON: {failure}") from None
        if "gold" in item:
            return "replay"
        if "answer" in item:
            return "gsm8k"
    elif "\t" in line:
        return "mgsm"
    raise ValueError(
        'must be JSON with "question" and "gold" (or GSM8K\'s "answer"), or question<TAB>answer, '
        f"got {_shown(line)}"
    )


def _read_replay(number: int, line: str) -> Question:
    return Question.model_validate_json(line)


def _read_gsm8k(number: int, line: str) -> Question:
    item = _Gsm8kLine.model_validate_json(line)
    _, mark, gold = item.answer.rpartition(GSM8K_MARK)
    if not mark or not holds_number(gold):
        raise ValueError(f"answer: must end in {GSM8K_MARK!r} and a number, got {_shown(gold)}")
    return Question(id=_id(number), question=item.question, gold=(gold.strip(),))


def _read_mgsm(number: int, line: str) -> Question:
    fields = line.split("\t")
    if len(fields) != 2 or not fields[0].strip():
        raise ValueError(f"must be question<TAB>answer, got {len(fields)} fields: {_shown(line)}")
    question, gold = (field.strip() for field in fields)
    if not holds_number(gold):
        raise ValueError(f"answer: must hold a number, got {_shown(gold)}")
    return Question(id=_id(number), question=question, gold=(gold,))


_READERS: Mapping[Format, Callable[[int, str], Question]] = {
    "replay": _read_replay,
    "gsm8k": _read_gsm8k,
    "mgsm": _read_mgsm,
}
FORMATS = tuple(_READERS)


def _id(number: int) -> str:
    """The id of a question that has none: its line."""
    return f"line-{number}"


def _reason(failure: ValueError) -> str:
    if not isinstance(failure, ValidationError):
        return str(failure)
    error = failure.errors(include_url=False)[0]
    place = ".".join(map(str, error["loc"]))
    reason = error["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason


def _shown(text: str) -> str:
    cut = text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"
    return repr(cut)
