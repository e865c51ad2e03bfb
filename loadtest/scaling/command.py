"""`python -m loadtest scale`: speed, latency and memory against clients and against branches."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvloop
from tqdm import tqdm

from evaluation.eval_set import Problem, UnreadableEvalSet, bundled_eval_set, read_eval_set
from loadtest.request_bodies import MAX_TOKENS
from loadtest.scaling.measured import Measurements, Point, write_measurements
from loadtest.scaling.report import draw_scaling, points_table, share_of_peak
from loadtest.scaling.sweep import (
    STRATEGIES,
    Grid,
    Setting,
    describe_engine,
    in_turns,
    measure,
    middle_points,
)
from measurement.arguments import count, port, positive
from measurement.child_process import ChildFailed
from measurement.interruption import signals_interrupt
from measurement.machine import Machine, describe_machine
from measurement.plots import NoPlots, check_plot_name
from measurement.server_process import NoServer, Server, running_server, server_at
from measurement.serving import POCKET, Serving, serving_here

DECODERS = ("plain", "cot_decoding", "majority_vote")
CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
BRANCHES = (1, 2, 4, 8, 16, 32, 64)
PROMPT_WORDS = (64, 256, 1024)
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

DESCRIPTION = """\
Load a Winnow server in a closed loop and measure questions/s, right answers/s, latency, tokens and
memory: each decoder against the number of clients, those that branch against the number of branches
(majority_vote from 2 on, all of its samples counted), and plain requests against the length of the
prompt, which `python -m loadtest plan` takes the cost of prompts from.

A table goes to stdout, progress to stderr. The generator runs beside the server and takes its share
of the cores. With the defaults a run takes about 8 minutes.

exit code: 0 measured (failed requests are in the table), 1 no server, 2 a flag or file that cannot
be used, 130 interrupted
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.plot:
            check_plot_name(options.plot)
        problems = [one for one in read_eval_set(options.problems) if not one.facts]
        if not problems:
            raise UnreadableEvalSet(f"{options.problems}: no problem that says all that it needs")
        with signals_interrupt():
            _run(options, problems)
    except (UnreadableEvalSet, NoPlots) as failure:
        return _fail(failure, EXIT_USAGE)
    except (ChildFailed, NoServer, OSError) as failure:
        return _fail(failure, EXIT_FAILED)
    except KeyboardInterrupt:
        print("scale: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _fail(failure: Exception, exit_code: int) -> int:
    print(f"scale: error: {failure}", file=sys.stderr)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest scale",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--checkpoint", default=POCKET, help="folder, hub name or 'pocket' (bundled; default)")
    add("--url", help="use a server that is running already, such as http://127.0.0.1:8000")
    add("--api-key", help="its key")
    add("--port", type=port, default=8141, help="of the server (default %(default)s)")
    add("--max-num-seqs", type=count, help="of the server (default: vLLM's; with --url, tell it)")
    add("--problems", type=Path, default=bundled_eval_set(), help="JSONL; default: pocket's")
    add("--strategies", nargs="+", choices=STRATEGIES,
        default=list(DECODERS), help="(default %(default)s)")  # fmt: skip
    add("--concurrencies", nargs="*", type=count, default=list(CONCURRENCIES), metavar="N",
        help="clients at a time (default %(default)s); none leaves this out")  # fmt: skip
    add("--k", type=count, default=10, help="branches of cot_decoding there (%(default)s)")
    add("--num-samples", type=_samples, default=16, help="and of majority_vote (%(default)s)")
    add("--branches", nargs="*", type=count, default=list(BRANCHES), metavar="N",
        help="(default %(default)s); none leaves this out")  # fmt: skip
    add("--prompt-words", nargs="*", type=count, default=list(PROMPT_WORDS), metavar="N",
        help="before the question (default %(default)s); none leaves this out")  # fmt: skip
    add("--concurrency", type=count, default=4,
        help="against branches and prompts (default %(default)s)")  # fmt: skip
    add("--point-s", type=positive, default=5.0,
        help="seconds of a point after its warm-up, longer until each client was answered once "
        "more (default %(default)s)")  # fmt: skip
    add("--most-s", type=positive, default=60.0,
        help="most seconds of a warm-up, and of a point (default %(default)s)")  # fmt: skip
    add("--rounds", type=count, default=1,
        help="of all points, every other one backwards; of each point the round of median "
        "throughput is kept (default %(default)s)")  # fmt: skip
    add("--max-tokens", type=count, default=MAX_TOKENS, help="of a path (default %(default)s)")
    add("--plot", type=Path, help="draw throughput and latency there (.png or .svg)")
    add("--out", type=Path, help="write the measurements there as JSON, after each point")
    return parser


def _samples(text: str) -> int:
    if (value := count(text)) < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, got {text!r}")
    return value


def _run(options: argparse.Namespace, problems: Sequence[Problem]) -> None:
    how = serving_here(options.checkpoint)
    if options.max_num_seqs:
        flags = {**how.flags, "--max-num-seqs": str(options.max_num_seqs)}
        how = replace(how, flags=flags)
    machine = describe_machine()
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    print("  ".join(f"{name} {version}" for name, version in machine.packages.items()))
    print(f"load average before {machine.load_average:.2f}", flush=True)
    with _server(options, how) as server:
        points = uvloop.run(_measure(options, how, machine, server, problems))
    print(f"\n{points_table(points)}\n")
    for strategy in options.strategies:
        if sentence := share_of_peak(points, strategy):
            print(sentence)
    if options.plot:
        draw_scaling(options.plot, points)


@contextmanager
def _server(options: argparse.Namespace, how: Serving) -> Iterator[Server]:
    if options.url:
        yield server_at(options.url, options.api_key)
        return
    print(f"flags of what is started: {' '.join(how.arguments)}", flush=True)
    with running_server("winnow", how, options.port) as server:
        yield server


async def _measure(
    options: argparse.Namespace,
    how: Serving,
    machine: Machine,
    server: Server,
    problems: Sequence[Problem],
) -> list[Point]:
    """Measured points so far are kept in `--out`, so that an interruption loses one of them."""
    grid = Grid(
        options.strategies,
        options.concurrencies,
        options.branches,
        options.prompt_words,
        options.concurrency,
        options.k,
        options.num_samples,
    )
    settings = grid.settings()
    engine = await describe_engine(server, options.api_key, options.max_num_seqs)
    checkpoint, flags = (server.model, {}) if options.url else (options.checkpoint, dict(how.flags))
    turns = in_turns(settings, options.rounds)
    taken: dict[Setting, list[Point]] = {setting: [] for setting in settings}
    progress = tqdm(total=len(turns), desc="scale", unit="point")
    measured = measure(
        server,
        options.api_key,
        problems,
        turns,
        options.point_s,
        options.most_s,
        options.max_tokens,
    )
    for setting in turns:
        taken[setting].append(await anext(measured))
        progress.update()
        if options.out:
            so_far = Measurements(machine, checkpoint, flags, engine, middle_points(taken))
            await asyncio.to_thread(write_measurements, options.out, so_far)
    progress.close()
    return middle_points(taken)
