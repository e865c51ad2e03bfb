"""Text to calibrate by, to heal with, or to compare two checkpoints on.

JSONL; a line is {"text"}, {"question", "solution" or "answer"} or {"messages": […]}. Where text is
scored, of running text every token but the first is, of the others the last turn only: what the
model is there to write. That text should be none that training or calibration has seen.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compression.checkpoint import POCKET
from compression.errors import UnusableText


class Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sample:
    """Either `text`, or `messages` of which the last is the assistant's; from line `line`."""

    line: int
    text: str | None
    messages: tuple[Message, ...] = ()


class _Line(BaseModel):
    """Data sets hold more than this; the rest is not asked for."""

    model_config = ConfigDict(extra="ignore", strict=True)

    text: str | None = None
    question: str | None = Field(None, min_length=1)
    solution: str | None = None
    answer: str | None = None
    messages: list[Message] | None = Field(None, min_length=2)

    @model_validator(mode="after")
    def _is_one_of_three(self) -> "_Line":
        kinds = [self.text is not None, self.question is not None, self.messages is not None]
        if sum(kinds) != 1:
            raise ValueError('must hold one of "text", "question" and "messages"')
        if self.question is not None and not (self.solution or self.answer):
            raise ValueError('"question" needs a "solution" or an "answer" to score')
        if self.messages is not None and self.messages[-1].role != "assistant":
            raise ValueError("the last of messages must be the assistant's, which is scored")
        return self

    def sample(self, line: int) -> Sample:
        if self.question is None:
            return Sample(line, self.text, tuple(self.messages or ()))
        reply = self.solution or self.answer or ""
        question = Message(role="user", content=self.question)
        return Sample(line, None, (question, Message(role="assistant", content=reply)))


def bundled_text() -> Path:
    """Held-out problems of pocket with their solutions."""
    return Path(str(files(POCKET) / "held_out_text.jsonl"))


def read_samples(path: Path) -> tuple[Sample, ...]:
    """Read the samples of a file.

    Raises:
        UnusableText: see `read_bytes` and `parse_samples`.
    """
    return parse_samples(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read the file's bytes.

    Raises:
        UnusableText: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as failure:
        raise UnusableText(f"{path}: {failure.strerror}") from None


def parse_samples(contents: bytes, path: Path) -> tuple[Sample, ...]:
    """What a file holds. Blank lines are skipped.

    Raises:
        UnusableText: a line is none of the three, or there is no line.
    """
    try:
        lines = contents.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as failure:
        raise UnusableText(f"{path}: {failure}") from None
    samples = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            samples.append(_Line.model_validate_json(line).sample(number))
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            place = ".".join(map(str, error["loc"]))
            reason = error["msg"].removeprefix("Value error, ")
            said = f"{place}: {reason}" if place else reason
            raise UnusableText(f"{path}, line {number}: {said}") from None
    if not samples:
        raise UnusableText(f"{path}: holds no line")
    return tuple(samples)
