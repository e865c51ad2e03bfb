"""Files of recorded samples: one problem a line, as JSON."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

READY = "answer"


class UnreadableRecording(Exception):
    """The message names the file, the line and what is wrong with it."""


class Sample(BaseModel):
    """`logprob` is the mean of its tokens; a ready `answer` is used instead of extraction."""

    model_config = ConfigDict(frozen=True, extra="allow")

    text: str = ""
    logprob: float | None = Field(None, le=0)
    confidence: float | None = Field(None, ge=0, le=1)
    answer: str | None = None


def _as_tuple(gold: object) -> object:
    return gold if isinstance(gold, list) else [gold]


def _not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("must not be empty")
    return values


class Recording(BaseModel):
    """A problem and its samples in the order in which they were drawn. Any of `gold` is right."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    question: str = ""
    gold: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_not_empty)]
    samples: tuple[Sample, ...] = Field(min_length=2)


def read_recordings(path: Path, answer_field: str | None) -> list[Recording]:
    """`answer_field` names the samples' field that holds ready answers; None: `answer`, if any.

    Raises:
        UnreadableRecording: the file cannot be read, or a line is no recording.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        raise UnreadableRecording(f"{path}: {failure}") from None
    recordings = [
        _read_line(f"{path}, line {number}", line, answer_field)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not recordings:
        raise UnreadableRecording(f"{path}: no recordings in it")
    return recordings


def _read_line(where: str, line: str, answer_field: str | None) -> Recording:
    try:
        recording = Recording.model_validate_json(line)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"])) or "line"
        raise UnreadableRecording(f"{where}: {place}: {error['msg']}") from None
    if answer_field in (None, READY):
        return recording
    extras = [sample.model_extra or {} for sample in recording.samples]
    if not any(answer_field in extra for extra in extras):
        raise UnreadableRecording(f"{where}: no sample has the field {answer_field!r}")
    ready = tuple(
        sample.model_copy(update={READY: _as_text(extra.get(answer_field or ""))})
        for sample, extra in zip(recording.samples, extras, strict=True)
    )
    return recording.model_copy(update={"samples": ready})


def _as_text(value: object) -> str:
    return "" if value is None else str(value)
