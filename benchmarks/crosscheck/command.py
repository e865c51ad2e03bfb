"""`python -m benchmarks crosscheck`: guidellm and our own client against the same server."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.compare.command import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    OneLineParser,
    port,
)
from benchmarks.compare.environments import Environments, environments, version
from benchmarks.compare.failures import PeerFailed
from benchmarks.crosscheck.figures import NAMES, Figures, medians
from benchmarks.crosscheck.guidellm import (
    SCENARIOS,
    Load,
    Scenario,
    read_scenario,
    run_guidellm,
    write_questions,
)
from benchmarks.crosscheck.streaming import measure_streaming
from benchmarks.token_work import take_slice
from evaluation.eval_set import Problem, bundled_eval_set, read_eval_set
from loadtest.client import RequestFailed, send_all
from loadtest.request_bodies import question
from measurement.arguments import count
from measurement.child_process import ChildFailed
from measurement.interruption import signals_interrupt
from measurement.machine import describe_machine
from measurement.server_process import NoServer, Server, running_server, server_at
from measurement.serving import POCKET, Serving, serving_here
from measurement.statistics import paired_ratio
from measurement.tables import format_table

NUM_WARM_UP = 32

DESCRIPTION = """\
The same requests to the same Winnow server by our own streaming client and by guidellm, an
independent load generator, in turns: do both see the same requests/s, latency and time to first
token? guidellm runs in an environment of its own, which is removed at the end.

exit code: 0 done, 1 Winnow, guidellm or a request failed, 2 an option that cannot be used,
130 interrupted
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code; what went wrong is said in one line."""
    options = _parser().parse_args(arguments)
    try:
        with signals_interrupt():
            run(options)
    except (PeerFailed, ChildFailed, NoServer, RequestFailed, OSError) as failure:
        print(f"crosscheck: error: {failure}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("crosscheck: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m benchmarks crosscheck",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="(all)")
    add("--checkpoint", default=POCKET, help="folder, hub name or 'pocket' (bundled; default)")
    add("--url", help="use a server that is running already; its tokenizer is --checkpoint's")
    add("--requests", type=count, default=200, help="of a run (%(default)s)")
    add("--concurrency", type=count, nargs="+", default=[1, 8], help="requests at once (1 8)")
    add("--rounds", type=count, default=3, help="runs of each side (%(default)s)")
    add("--port", type=port, default=8101, help="of the server that is started (%(default)s)")
    add(
        "--keep-environments",
        type=Path,
        metavar="FOLDER",
        help="keep guidellm's environment there for the next time",
    )
    return parser


def run(options: argparse.Namespace) -> None:
    how = serving_here(options.checkpoint)
    machine = describe_machine()
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    packages = machine.packages | {"guidellm": version("guidellm")}
    print("  ".join(f"{name} {number}" for name, number in packages.items()))
    print(
        f"{options.requests} requests, {options.rounds} runs of each side in turns; medians, and "
        "ours to guidellm's by pairs",
        flush=True,
    )
    problems = [one for one in read_eval_set(bundled_eval_set()) if not one.facts]
    with environments(options.keep_environments) as tools, _server(options, how) as server:
        for name in options.scenario:
            for concurrency in options.concurrency:
                load = Load(options.requests, concurrency)
                check = CrossCheck(server, how, tools, read_scenario(name), problems, load)
                table = figures_table(*check.run(options.rounds))
                print(f"\n{name}, concurrency {concurrency}\n{table}", flush=True)


@contextmanager
def _server(options: argparse.Namespace, how: Serving) -> Iterator[Server]:
    if options.url:
        yield server_at(options.url)
        return
    with running_server("winnow", how, options.port) as server:
        yield server


class CrossCheck:
    """One scenario."""

    def __init__(
        self,
        server: Server,
        how: Serving,
        tools: Environments,
        scenario: Scenario,
        problems: Sequence[Problem],
        load: Load,
    ) -> None:
        self._server = server
        self._how = how
        self._python = tools.python("guidellm")
        self._scenario = scenario
        self._asked = take_slice(problems, 0, load.num_requests)
        self._load = load

    def run(self, num_rounds: int) -> tuple[list[Figures], list[Figures]]:
        """Ours and guidellm's; every other time the other way round."""
        ours: list[Figures] = []
        theirs: list[Figures] = []
        fields = {"model": self._server.model, **self._scenario.body}
        bodies = [fields | {"messages": question(problem)} for problem in self._asked]
        send_all(self._server.url, bodies[:NUM_WARM_UP], self._load.concurrency)
        for number in range(num_rounds):
            print(f"crosscheck: round {number + 1} of {num_rounds}", file=sys.stderr, flush=True)
            if number % 2 == 0:
                ours.append(self._run_ours(bodies))
            theirs.append(self._run_guidellm())
            if number % 2 == 1:
                ours.append(self._run_ours(bodies))
        return ours, theirs

    def _run_ours(self, bodies: Sequence[dict[str, object]]) -> Figures:
        return measure_streaming(self._server.url, bodies, self._load.concurrency)

    def _run_guidellm(self) -> Figures:
        with TemporaryDirectory(prefix="winnow-guidellm-") as name:
            folder = Path(name)
            questions, out = folder / "questions.jsonl", folder / "report.json"
            write_questions(self._asked, questions)
            config = self._scenario.of_run(
                self._server, self._how.checkpoint, questions, out, self._load
            )
            return run_guidellm(self._python, config, folder, dict(self._how.environment))


def figures_table(ours: Sequence[Figures], theirs: Sequence[Figures]) -> str:
    """A row for each figure; the ratio is ours to guidellm's."""
    rows = []
    for name in NAMES:
        sides = [[float(getattr(run, name)) for run in runs] for runs in (ours, theirs)]
        ratio = paired_ratio(*sides)
        middle = [getattr(medians(runs), name) for runs in (ours, theirs)]
        rows.append(
            (
                name,
                *(f"{value:.2f}" for value in middle),
                f"{ratio.median:.3f} ({ratio.low:.3f}–{ratio.high:.3f})",
            )
        )
    return format_table(("figure", "our client", "guidellm", "ratio by pairs"), rows)
