"""`python -m benchmarks.bench`: accuracy and speed of Winnow, each beside a named peer."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from benchmarks.accuracy import measure_accuracy
from benchmarks.plain import measure_plain
from benchmarks.plots import draw_accuracy_against_tokens
from benchmarks.tables import (
    accuracy_table,
    plain_table,
    vote_pair_table,
    votes_table,
)
from benchmarks.vote_pairs import measure_stopping
from benchmarks.votes import SPLITS, measure_votes
from evaluation.eval_set import Problem, UnreadableEvalSet, bundled_eval_set, read_eval_set
from loadtest.client import RequestFailed
from loadtest.request_bodies import greedy, question
from measurement.arguments import count
from measurement.child_process import ChildFailed
from measurement.machine import describe_machine
from measurement.plots import NoPlots
from measurement.server_process import NoServer, Program, Server, running_server, server_at
from measurement.serving import POCKET, Serving, serving_here

PLAIN_CONCURRENCIES = (1, 16)
CONCURRENCY = 8
EXIT_FAILED = 1
EXIT_USAGE = 2

DESCRIPTION = """\
Measure a Winnow server over HTTP. Figures go to stdout as tables, progress to stderr.

sections:
  plain     requests without a decoder: winnow serve against vllm serve, same flags,
            same environment, concurrency 1 and 16, in turns; with --control also a
            second vllm serve against the first, which shows the noise
  accuracy  the evaluation set by greedy, CoT-decoding (max, aggregate) and a vote of 20
            samples, by the client over plain `n` and by the server with early stopping:
            share right with its 95 % interval, tokens, questions/s
  votes     held-out problems by greedy, CoT-decoding and every decoder that samples:
            share right, tokens, median latency; --plot draws accuracy against tokens
  stopping  a vote of 40 that stops when it is decided against one that counts all

`python -m benchmarks compare` measures decoders beside vLLM, other tools and LLM.generate.
"""


@dataclass(frozen=True)
class Setup:
    """What a section is given."""

    options: argparse.Namespace
    serving: Serving
    server: Server
    problems: Sequence[Problem]

    @property
    def without_notes(self) -> list[Problem]:
        """The problems that say all that they need."""
        return [problem for problem in self.problems if not problem.facts]

    @property
    def held_out_numbers(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.split == SPLITS[0]]


@dataclass(frozen=True)
class Section:
    """What a section gives: `figures` for the JSON file, `table` for people."""

    figures: Any  # a section's dataclass, as dicts and lists
    table: str


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    if options.url and PAIRED in options.only:
        parser.error(f"--url does not go with {PAIRED}, which starts both its servers")
    signal.signal(signal.SIGTERM, _end)
    try:
        problems = read_eval_set(options.problems)
        run(options, problems)
    except UnreadableEvalSet as failure:
        print(f"bench: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except (ChildFailed, NoPlots, NoServer, RequestFailed, OSError) as failure:
        print(f"bench: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


def _end(signal_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that every server that was started is stopped."""
    sys.exit(128 + signal_number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    add("--checkpoint", default=POCKET, help="folder, hub name or 'pocket' (bundled; default)")
    add("--problems", type=Path, default=bundled_eval_set(), help="JSONL; default: pocket's")
    add("--url", help="use a server that is running already, such as http://127.0.0.1:8000")
    add("--port", type=_port, default=8101, help="first of three ports (default %(default)s)")
    add("--k", type=count, default=10, help="CoT-decoding's branches (default %(default)s)")
    add("--limit", type=count, help="accuracy: at most this many problems of each split")
    add("--rounds", type=count, default=8, help="plain: pairs of rounds (default %(default)s)")
    add("--control", action="store_true", help="plain: a second vllm serve shows the noise")
    add("--round-s", type=float, default=8.0, help="plain: a round's seconds (%(default)s)")
    add("--vote-rounds", type=count, default=5, help="stopping: pairs (%(default)s)")
    add("--vote-questions", type=count, default=60, help="of a round (default %(default)s)")
    add("--plot", type=Path, help="votes: draw accuracy against tokens there (.png or .svg)")
    add("--out", type=Path, help="write the raw results there as JSON, after each section")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 65534:
        raise argparse.ArgumentTypeError(f"must be in 1..65533, got {text!r}")
    return int(text)


def run(options: argparse.Namespace, problems: list[Problem]) -> None:
    how = serving_here(options.checkpoint)
    machine = describe_machine()
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    print("  ".join(f"{name} {version}" for name, version in machine.packages.items()))
    print(f"load average before {machine.load_average:.2f}; flags of what is started:")
    print(" ".join(how.arguments))
    results: dict[str, Any] = {"machine": asdict(machine), "flags": dict(how.flags)}
    with _server(options, how) as server:
        setup = Setup(options, how, server, problems)
        for name in [name for name in SECTIONS if name in options.only]:
            section = SECTIONS[name](setup)
            print(f"\n{name}\n{section.table}", flush=True)
            results[name] = section.figures
            if options.out:
                options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False))


@contextmanager
def _server(options: argparse.Namespace, how: Serving) -> Iterator[Server]:
    if options.url:
        yield server_at(options.url)
        return
    with running_server("winnow", how, options.port) as server:
        yield server


def _measure_plain(setup: Setup) -> Section:
    options = setup.options
    bodies = [greedy(setup.server.model, question(problem)) for problem in setup.without_notes]
    peers: list[Program] = ["vllm", "control"] if options.control else ["vllm"]
    with ExitStack() as stack:
        servers: dict[Program, Server] = {"winnow": setup.server}
        for port, program in enumerate(peers, options.port + 1):
            started = running_server(program, setup.serving, port)
            servers[program] = stack.enter_context(started)
        figures = [
            measure_plain(servers, bodies, concurrency, options.rounds, options.round_s)
            for concurrency in PLAIN_CONCURRENCIES
        ]
    return Section([asdict(figure) for figure in figures], plain_table(figures))


def _measure_accuracy(setup: Setup) -> Section:
    options = setup.options
    figures = measure_accuracy(setup.server, setup.problems, options.k, CONCURRENCY, options.limit)
    return Section([asdict(figure) for figure in figures], accuracy_table(figures))


def _measure_votes(setup: Setup) -> Section:
    options = setup.options
    figures = measure_votes(setup.server, setup.problems, CONCURRENCY, options.limit)
    if options.plot:
        draw_accuracy_against_tokens(options.plot, figures)
    return Section([asdict(figure) for figure in figures], votes_table(figures))


def _measure_stopping(setup: Setup) -> Section:
    options = setup.options
    figure = measure_stopping(
        setup.server,
        setup.held_out_numbers,
        CONCURRENCY,
        options.vote_rounds,
        options.vote_questions,
    )
    return Section(asdict(figure), vote_pair_table(figure))


SECTIONS: Mapping[str, Callable[[Setup], Section]] = {
    "plain": _measure_plain,
    "accuracy": _measure_accuracy,
    "votes": _measure_votes,
    "stopping": _measure_stopping,
}
PAIRED = "plain"


if __name__ == "__main__":
    main()
