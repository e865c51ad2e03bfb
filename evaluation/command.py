"""`winnow eval DATASET`: how right decoders are on a data set, and what they cost."""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaluation.asking import Terms
from evaluation.choices import UnusableChoice, read_choices
from evaluation.eval_set import UnreadableEvalSet
from evaluation.folder import UnusableFolder
from evaluation.questions import (
    DEFAULT_SPLIT,
    FORMATS,
    Dataset,
    UnreadableDataset,
    read_dataset,
)
from evaluation.replies import NotWinnow
from evaluation.report import draw_figures, render_tables
from evaluation.run import Interrupted, Run, carry_out
from evaluation.target import Target, UnusableTarget, own_target, running_target
from measurement.arguments import count
from measurement.child_process import ChildFailed
from measurement.interruption import signals_interrupt
from measurement.plots import NoPlots
from measurement.server_process import NoServer
from measurement.serving import POCKET

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
API_KEY = "OPENAI_API_KEY"
SERVER_ERROR = re.compile(r"^winnow: (?P<said>error: .+)$", re.MULTILINE)

DESCRIPTION = """\
Ask every question of every decoder and compare: share right with its 95 % interval, tokens,
latency, and each two decoders on the same questions. A table goes to stdout, progress to stderr,
results, summary and figures to a folder. The same command with the same --out goes on where it
was; decoders and questions (--limit) may be added.

DATASET is `pocket` (the bundled evaluation set) or a file, told by its first line:
  replay  {"id", "question", "gold"} a line; gold is a string, a number or a list of them
  gsm8k   {"question", "answer": "… #### 72"} a line
  mgsm    question<TAB>answer a line, no header

A decoder is `plain` (no `decoding`, temperature 0), a strategy, a strategy with parameters such
as majority_vote:num_samples=20,temperature=1, or a JSON object {"strategy": …}.

exit code: 0 all answered, 1 some not, 2 a flag, file or server that cannot be used,
130 interrupted
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        with signals_interrupt():
            return _run(options)
    except (
        *(UnreadableDataset, UnreadableEvalSet, UnusableChoice, UnusableFolder, UnusableTarget),
        *(NotWinnow, OSError),
    ) as failure:
        return _end(f"error: {failure}", EXIT_USAGE)
    except ChildFailed as failure:
        said = SERVER_ERROR.search(str(failure))  # of what it was given
        return _end(said["said"], EXIT_USAGE) if said else _end(f"error: {failure}", EXIT_FAILED)
    except NoServer as failure:
        return _end(f"error: {failure}", EXIT_FAILED)
    except Interrupted as interruption:
        return _end(f"interrupted: {interruption}", EXIT_INTERRUPTED)
    except KeyboardInterrupt:  # before anything was asked
        return _end("interrupted", EXIT_INTERRUPTED)


def _end(message: str, exit_code: int) -> int:
    print(f"winnow eval: {message}", file=sys.stderr)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow eval",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("dataset", metavar="DATASET", help="a file or 'pocket'")
    add("--format", choices=FORMATS, help="of the file (default: told by its first line)")
    add("--split", help=f"of pocket (default {DEFAULT_SPLIT})")
    add("--limit", type=count, help="ask the first so many questions")
    add("--decoders", nargs="+", default=["plain", "cot_decoding"], metavar="DECODER",
        help="what to compare (default %(default)s)")  # fmt: skip
    add("--answer", type=_kind,
        help='kind of answer, or {"pattern": …} (default: number; of format replay, auto)',
    )  # fmt: skip
    add("--max-tokens", type=count, default=512, help="of a path (default %(default)s)")
    add("--concurrency", type=count, default=8, help="requests at once (default %(default)s)")
    add("--out", type=Path, help="folder to keep the run in (default eval-DATASET-TIME)")
    add("--server", metavar="URL", help="an OpenAI-style server that is running already")
    add("--model", help="which of the server's models (default: its only one)")
    add("--api-key", help=f"the server's (default: {API_KEY} of the environment, with --server)")
    add("--checkpoint", help="folder, hub name or 'pocket' to serve for it (default pocket)")
    return parser


def _kind(text: str) -> Any:  # JSON where it is an object, which the grader checks
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as failure:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object: {failure}") from None


def _run(options: argparse.Namespace) -> int:
    dataset = read_dataset(options.dataset, options.format, options.split)
    answer = dataset.answer if options.answer is None else options.answer
    run = Run(
        dataset,
        options.limit,
        read_choices(options.decoders, answer),
        answer,
        _target(options),
        Terms(options.max_tokens, options.concurrency),
        options.out or _new_folder(dataset),
    )
    outcome = carry_out(run)
    title = f"{dataset.name}, {run.target.model}"
    print(f"{title} at {run.target.name}\n\n{render_tables(outcome.summary)}")
    try:
        draw_figures(run.out, title, outcome.summary.decoders)
    except NoPlots as reason:
        print(f"winnow eval: no figures: {reason}", file=sys.stderr)
    print(f"kept in {run.out}", file=sys.stderr)
    if not outcome.num_unanswered:
        return 0
    return _end(
        f"{outcome.num_unanswered} of {len(run.pairs)} are not answered; the same command with "
        f"--out {run.out} asks them again",
        EXIT_FAILED,
    )


def _target(options: argparse.Namespace) -> Target:
    if options.server is None:
        if options.model is not None:
            raise UnusableTarget(f"--model {options.model} goes with --server; use --checkpoint")
        return own_target(options.checkpoint or POCKET, options.api_key or "")
    if options.checkpoint is not None:
        raise UnusableTarget("--server and --checkpoint exclude each other")
    api_key = os.environ.get(API_KEY, "") if options.api_key is None else options.api_key
    return running_target(options.server, options.model, api_key)


def _new_folder(dataset: Dataset) -> Path:
    name = re.sub(r"[^\w.-]+", "-", dataset.name)
    return Path(f"eval-{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
