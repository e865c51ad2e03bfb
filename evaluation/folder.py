"""Where a run is kept: `run.json`, what it is of, and `results.jsonl`, what came so far.

A result is one line, written at once when its reply came, so that a run that was ended in any way
goes on where it was. Of several lines on a question and a decoder the last holds: one that failed
is asked again.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

RUN = "run.json"
RESULTS = "results.jsonl"


class UnusableFolder(Exception):
    """The message names the folder or the file and why it cannot be gone on with."""


class Result(BaseModel):
    """What came of one question asked of one decoder, after `error` (None: it was answered).

    `parameters` are the request's `decoding`, None for a plain one. `seconds` is the time of the
    request that was answered, without those before it that failed; `concurrency` says beside how
    many. `num_tokens` counts all that was generated; None where the server does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    decoder: str
    parameters: dict[str, Any] | None  # each strategy has its own
    gold: tuple[str, ...]
    answer: str | None = None
    is_right: bool = False
    num_tokens: int | None = None
    seconds: float | None = None
    concurrency: int
    confidence: float | None = None
    agreement: float | None = None
    fallback: str | None = None
    text: str = ""
    error: str | None = None

    @property
    def sureness(self) -> float | None:
        """Confidence where it was measured, else agreement; in 0..1."""
        return self.agreement if self.confidence is None else self.confidence


Key = tuple[str, str]
"""A question's id and a decoder's label."""


class RunFolder:
    """The results of a folder that this process alone writes to."""

    def __init__(self, file: IO[bytes], results: dict[Key, Result]) -> None:
        self._file = file
        self._results = results

    @property
    def results(self) -> list[Result]:
        """The last of each question and decoder, in the order in which they came first."""
        return list(self._results.values())

    def is_answered(self, question_id: str, label: str) -> bool:
        result = self._results.get((question_id, label))
        return result is not None and result.error is None

    def add(self, result: Result) -> None:
        line = json.dumps(result.model_dump(), ensure_ascii=False)
        self._file.write(line.encode() + b"\n")
        self._results[result.id, result.decoder] = result


@contextmanager
def open_folder(path: Path, run: Mapping[str, Any]) -> Iterator[RunFolder]:
    """Begin the run there, or go on with it; `run` is what a run is of, as JSON values.

    Raises:
        UnusableFolder: it holds another run or something else, another process writes to it, or
            a line before the last cannot be read.
        OSError: it cannot be read or written.
    """
    _claim(path, dict(run))
    # Unbuffered: each line is one write.
    with (path / RESULTS).open("a+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableFolder(f"{path}: another process is writing to it") from None
        yield RunFolder(file, _read_results(file, path / RESULTS))


def _claim(path: Path, run: dict[str, Any]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    place = path / RUN
    if place.exists():
        _compare(path, _read_run(place), run)
        return
    if any(path.iterdir()):
        raise UnusableFolder(f"{path}: is not empty and holds no {RUN}; take another --out")
    draft = path / f"{RUN}.{os.getpid()}"
    draft.write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", "utf-8")
    draft.replace(place)  # whole or not at all


def _read_run(place: Path) -> dict[str, Any]:
    try:
        found = json.loads(place.read_bytes())
    except ValueError as failure:
        raise UnusableFolder(f"{place}: {failure}") from None
    if not isinstance(found, dict):
        raise UnusableFolder(f"{place}: must be a JSON object")
    return found


def _compare(path: Path, found: dict[str, Any], run: dict[str, Any]) -> None:
    differing = [
        f"{name} {found.get(name)!r} there, {run.get(name)!r} here"
        for name in dict.fromkeys((*found, *run))
        if found.get(name) != run.get(name)
    ]
    if differing:
        reasons = "; ".join(differing)
        raise UnusableFolder(f"{path}: is of another run: {reasons}; take another --out")


def _read_results(file: IO[bytes], place: Path) -> dict[Key, Result]:
    """A torn last line, which the process was killed over, is cut off."""
    file.seek(0)
    *lines, torn = file.read().split(b"\n")
    if torn:
        file.truncate(file.tell() - len(torn))
    results: dict[Key, Result] = {}
    for number, line in enumerate(lines, start=1):
        try:
            result = Result.model_validate_json(line)
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            where = ".".join(map(str, error["loc"])) or "line"
            raise UnusableFolder(f"{place}, line {number}: {where}: {error['msg']}") from None
        results[result.id, result.decoder] = result
    return results
