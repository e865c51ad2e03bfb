"""`python -m benchmarks compare`: right answers per second, Winnow beside its peers."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, get_args

from benchmarks.compare.environments import environments, version
from benchmarks.compare.peer import Running, Setting, Task
from benchmarks.compare.rounds import OursFailed, Result, Sizes, measure
from benchmarks.compare.served import TEMPERATURE
from benchmarks.compare.sides import FAMILIES, PAIRS, START_UP, chosen_peers
from benchmarks.compare.start_up import StartUp, measure_start_up
from benchmarks.compare.tables import ratios_table, sides_table, start_up_table
from benchmarks.compare.verdicts import judge
from evaluation.eval_set import Problem, UnreadableEvalSet, bundled_eval_set, read_eval_set
from loadtest.request_bodies import MAX_TOKENS
from measurement.arguments import count
from measurement.child_process import ChildFailed
from measurement.interruption import signals_interrupt
from measurement.machine import describe_machine
from measurement.serving import POCKET, serving_here

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
NUM_PORTS = 4
MAX_BRANCHES = 64
TASKS: tuple[Task, ...] = get_args(Task)
CHOICES = (*FAMILIES[1:], START_UP)

DESCRIPTION = """\
Winnow beside its peers: the same checkpoint, machine and questions, the same token limit, votes at
temperature 1; rounds in turns. Tables go to stdout, progress to stderr.

peers:
  vllm      vllm serve: greedy, and a client's self-consistency by calls and by n
  optillm   its cot_decoding on a model of its own; its self_consistency and majority_voting as a
            proxy in front of vllm serve
  its_hub   its self-consistency, and the one that stops, in front of vllm serve
  hf        CoT-decoding's paths by Hugging Face's generate, one after the other
  floor     the same token work by LLM.generate
  start-up  seconds until ready, winnow serve against vllm serve

optillm and its_hub are installed in environments of their own, which are removed at the end. A peer
that cannot run here is reported with the reason.

exit code: 0 done, 1 Winnow failed, 2 an option that cannot be used, 130 interrupted
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code; what went wrong is said in one line."""
    options = _parser().parse_args(arguments)
    try:
        _check(options)
        problems = _read_problems(options.problems)
        with signals_interrupt():
            run(options, problems)
    except (UnreadableEvalSet, UnusableOption) as failure:
        print(f"compare: error: {failure}", file=sys.stderr)
        return EXIT_USAGE
    except (OursFailed, ChildFailed, OSError) as failure:
        print(f"compare: error: {failure}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("compare: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


class UnusableOption(Exception):
    """The message names the option."""


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with an option, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m benchmarks compare",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=CHOICES, default=list(CHOICES), help="peers (default: all)")
    add("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="what is asked (all)")
    add("--checkpoint", default=POCKET, help="folder, hub name or 'pocket' (bundled; default)")
    add("--problems", type=Path, default=bundled_eval_set(), help="JSONL; default: pocket's")
    add(
        "--questions",
        type=count,
        default=100,
        help="of a round of CoT-decoding or a vote (%(default)s)",
    )
    add("--greedy-questions", type=count, default=400, help="of a greedy round (%(default)s)")
    add(
        "--slow-questions",
        type=count,
        default=8,
        help="of a round of the peers that go path by path (%(default)s)",
    )
    add("--rounds", type=count, default=3, help="of each side, and starts (%(default)s)")
    add("--concurrency", type=count, default=8, help="questions at once (%(default)s)")
    add("--k", type=_branches, default=10, help="CoT-decoding's paths (%(default)s)")
    add("--num-samples", type=_branches, default=16, help="of a vote (%(default)s)")
    add("--hf-threads", type=count, default=1, help="torch threads of hf (%(default)s)")
    add("--port", type=port, default=8101, help=f"first of {NUM_PORTS} ports (%(default)s)")
    add("--out", type=Path, metavar="FILE", help="write everything there as JSON, after each task")
    add(
        "--keep-environments",
        type=Path,
        metavar="FOLDER",
        help="keep the peers' environments there for the next time",
    )
    return parser


def _branches(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= MAX_BRANCHES:
        raise argparse.ArgumentTypeError(f"must be in 2..{MAX_BRANCHES}, got {text!r}")
    return int(text)


def port(text: str) -> int:
    highest = 65535 - NUM_PORTS + 1
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"must be in 1..{highest}, got {text!r}")
    return int(text)


def _check(options: argparse.Namespace) -> None:
    """What can be known before the work."""
    if options.out is not None and not options.out.resolve().parent.is_dir():
        raise UnusableOption(f"--out {options.out}: its folder is not there")
    if options.slow_questions > options.questions:
        raise UnusableOption("--slow-questions must be at most --questions")


def _read_problems(path: Path) -> list[Problem]:
    """Those that say all that they need."""
    problems = [one for one in read_eval_set(path) if not one.facts]
    if not problems:
        raise UnusableOption(f"--problems {path}: every problem of it needs notes")
    return problems


class Comparison:
    """What was measured so far; `out` gets it as JSON."""

    def __init__(self, options: argparse.Namespace, described: dict[str, Any]) -> None:
        self._out: Path | None = options.out
        self._described = described
        self.results: list[Result] = []
        self.start_up: StartUp | None = None

    def write(self) -> None:
        if self._out is None:
            return
        written = {
            **self._described,
            "sides": [asdict(result) for result in self.results],
            "start_up": asdict(self.start_up) if self.start_up else None,
            "ratios": [asdict(verdict) for verdict in judge(PAIRS, self.results)],
        }
        self._out.write_text(json.dumps(written, indent=1, ensure_ascii=False))


def run(options: argparse.Namespace, problems: Sequence[Problem]) -> None:
    how = serving_here(options.checkpoint)
    described = _describe(options, dict(how.flags))
    comparison = Comparison(options, described)
    with environments(options.keep_environments) as tools:
        with ExitStack() as stack:
            servers = Running(stack)
            setting = Setting(
                serving=how,
                environments=tools,
                servers=servers,
                running=servers,
                port=options.port,
                concurrency=options.concurrency,
                k=options.k,
                num_samples=options.num_samples,
                hf_threads=options.hf_threads,
            )
            _measure_tasks(options, setting, problems, comparison)
        if START_UP in options.only:
            rounds = options.rounds
            comparison.start_up = measure_start_up(how, options.port, rounds, _tell)
            print(f"\n{start_up_table(comparison.start_up)}", flush=True)
    verdicts = judge(PAIRS, comparison.results)
    if verdicts or comparison.start_up is not None:
        print(f"\n{ratios_table(verdicts, comparison.start_up)}")
    comparison.write()


def _measure_tasks(
    options: argparse.Namespace,
    setting: Setting,
    problems: Sequence[Problem],
    comparison: Comparison,
) -> None:
    peers = chosen_peers(options.only, options.k, options.num_samples, options.hf_threads)
    questions: dict[Task, int] = dict.fromkeys(TASKS, options.questions)
    sizes = Sizes(
        options.rounds, questions | {"greedy": options.greedy_questions}, options.slow_questions
    )
    for task in [task for task in TASKS if task in options.tasks]:
        those = [peer for peer in peers if peer.label.task == task]
        if all(peer.label.is_ours for peer in those):
            continue  # nothing to compare with
        results = measure(those, setting, problems, sizes, _tell)
        print(f"\n{task}\n{sides_table(results)}", flush=True)
        comparison.results += results
        comparison.write()


def _describe(options: argparse.Namespace, flags: dict[str, str | None]) -> dict[str, Any]:
    """Say what the figures are taken on and with; the same as JSON."""
    machine = describe_machine()
    tools = {name: version(name) for name in ("optillm", "its_hub") if name in options.only}
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    print("  ".join(f"{name} {number}" for name, number in (machine.packages | tools).items()))
    print(f"load average before {machine.load_average:.2f}; flags of what is started:")
    print(" ".join(part for pair in flags.items() for part in pair if part is not None))
    print(
        f"concurrency {options.concurrency}, {MAX_TOKENS} tokens at most, votes at temperature "
        f"{TEMPERATURE:g}, {options.rounds} rounds in turns; medians (lowest–highest)",
        flush=True,
    )
    return {
        "machine": asdict(machine),
        "peers": tools,
        "flags": flags,
        "options": {name: _plain(value) for name, value in vars(options).items()},
    }


def _plain(value: Any) -> Any:  # an option's
    return str(value) if isinstance(value, Path) else value


def _tell(what: str) -> None:
    print(f"compare: {what}", file=sys.stderr, flush=True)
