"""A run: what is not answered yet is asked, and all that is kept is summed up."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.asking import Pair, ServerGone, Terms, ask_all
from evaluation.choices import Choice
from evaluation.folder import Result, RunFolder, open_folder
from evaluation.questions import Dataset
from evaluation.summary import Summary, summarise
from evaluation.target import Target
from measurement.machine import describe_machine

SUMMARY = "summary.json"


class Interrupted(Exception):
    """The message says what is kept, and how to go on."""


@dataclass(frozen=True)
class Run:
    """`answer` is the kind of answer, as JSON; `limit` is of the questions, None for all."""

    dataset: Dataset
    limit: int | None
    choices: Sequence[Choice]
    answer: Any  # a kind or an object with a pattern
    target: Target
    terms: Terms
    out: Path

    @property
    def pairs(self) -> list[Pair]:
        """Decoder by decoder, so that latencies are those of each beside its like."""
        questions = self.dataset.questions[: self.limit]
        return [Pair(question, choice) for choice in self.choices for question in questions]

    @property
    def identity(self) -> dict[str, Any]:
        """What results must have in common to be compared."""
        return {
            "dataset": self.dataset.fingerprint,
            "answer": self.answer,
            "max_tokens": self.terms.max_tokens,
            "target": self.target.name,
            "model": self.target.model,
        }


@dataclass(frozen=True)
class Outcome:
    """`summary` is of all that the folder holds, `num_unanswered` of what this run was to ask."""

    summary: Summary
    num_unanswered: int


def carry_out(run: Run) -> Outcome:
    """Ask, keep every result as it comes, and write the summary beside them.

    Raises:
        UnusableFolder, OSError: of `run.out`.
        ChildFailed: the server does not start.
        NotWinnow: decoders were asked of another server.
        Interrupted: by Ctrl-C.
    """
    pairs = run.pairs
    with open_folder(run.out, run.identity) as folder:
        try:
            _ask(run, folder, _unanswered(folder, pairs))
        except KeyboardInterrupt:
            num_answered = len(pairs) - len(_unanswered(folder, pairs))
            raise Interrupted(
                f"{num_answered} of {len(pairs)} are answered and kept; the same command with "
                f"--out {run.out} goes on"
            ) from None
        summary = summarise(folder.results)
        num_unanswered = len(_unanswered(folder, pairs))
    record = {"run": run.identity, "machine": asdict(describe_machine()), **asdict(summary)}
    (run.out / SUMMARY).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return Outcome(summary, num_unanswered)


def _unanswered(folder: RunFolder, pairs: Sequence[Pair]) -> list[Pair]:
    return [p for p in pairs if not folder.is_answered(p.question.id, p.choice.label)]


def _ask(run: Run, folder: RunFolder, pairs: Sequence[Pair]) -> None:
    if not pairs:
        return
    known = {result.decoder for result in folder.results if result.error is None}
    num_all = len(run.pairs)
    with (
        run.target.open() as endpoint,
        tqdm(total=num_all, initial=num_all - len(pairs), unit="question") as bar,
    ):
        progress = _Progress(folder, bar)
        try:
            asyncio.run(ask_all(endpoint, run.terms, pairs, known, progress.tell))
        except ServerGone as failure:
            progress.say(str(failure))


class _Progress:
    """Keeps each result and shows it; of the failures of a decoder the first is told in full."""

    def __init__(self, folder: RunFolder, bar: "tqdm[Any]") -> None:
        self._folder = folder
        self._bar = bar
        self._failed: list[str] = []

    def tell(self, result: Result) -> None:
        self._folder.add(result)
        self._bar.update()
        if result.error is None:
            return
        if result.decoder not in self._failed:
            self.say(f"{result.decoder}: question {result.id}: {result.error}")
        self._failed.append(result.decoder)
        self._bar.set_postfix(failed=len(self._failed), refresh=False)

    def say(self, message: str) -> None:
        self._bar.write(f"winnow eval: {message}", file=sys.stderr)
