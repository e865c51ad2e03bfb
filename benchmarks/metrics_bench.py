"""`python -m benchmarks.metrics_bench`: what measuring costs those who are measured."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.overhead import Overhead, measure_overhead
from benchmarks.plain import Round
from benchmarks.sparse_users import SparseUsers, Users, measure_sparse_users
from evaluation.eval_set import bundled_eval_set, read_eval_set
from loadtest.client import Json, RequestFailed
from loadtest.request_bodies import greedy, question
from measurement.child_process import ChildFailed
from measurement.machine import describe_machine
from measurement.serving import POCKET, Serving, serving_here
from measurement.statistics import Ratio
from measurement.tables import format_table

CONCURRENCIES = (1, 16)
NUM_USERS = 150
EXIT_FAILED = 1

DESCRIPTION = """\
Measure a Winnow server over HTTP. Figures go to stdout as tables, progress to stderr.

sections:
  overhead  plain requests: winnow serve with everything that measures, scraped, against
            winnow serve with all of it off that can be, in turns
  canaries  requests of users who come now and then, with canaries and without
"""


def main() -> None:
    options = _parser().parse_args()
    how = serving_here(POCKET)
    problems = [problem for problem in read_eval_set(bundled_eval_set()) if not problem.facts]
    bodies = [greedy(how.model, question(problem)) for problem in problems]
    machine = describe_machine()
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    results: dict[str, Any] = {"machine": asdict(machine)}
    try:
        for name in options.only:
            figures, table = SECTIONS[name](options, how, bodies)
            print(f"\n{name}\n{table}", flush=True)
            results[name] = figures
            if options.out:
                options.out.write_text(json.dumps(results, indent=1))
    except (ChildFailed, RequestFailed, OSError) as failure:
        print(f"metrics_bench: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.metrics_bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    add("--port", type=int, default=8101, help="first of two ports (default %(default)s)")
    add("--rounds", type=int, default=40, help="overhead: pairs of rounds (%(default)s)")
    add("--round-s", type=float, default=2.0, help="overhead: a round's seconds (%(default)s)")
    add("--user-rounds", type=int, default=2, help="canaries: pairs of servers (%(default)s)")
    add("--out", type=Path, help="write the raw results there as JSON, after each section")
    return parser


def _overhead(
    options: argparse.Namespace, how: Serving, bodies: Sequence[Json]
) -> tuple[Any, str]:  # a section's dataclass, as dicts and lists
    figures = measure_overhead(
        how, bodies, CONCURRENCIES, options.port, options.rounds, options.round_s
    )
    header = (
        *("concurrency", "pairs × requests", "measured req/s", "bare req/s", "ratio", "by pairs"),
        *("measured CPU ms/req", "bare CPU ms/req", "CPU ratio", "by pairs"),
    )
    return [asdict(one) for one in figures], format_table(header, [_row(one) for one in figures])


def _row(one: Overhead) -> tuple[str, ...]:
    return (
        str(one.concurrency),
        f"{len(one.watched)} × {one.num_requests}",
        f"{_speed(one.watched):.1f}",
        f"{_speed(one.bare):.1f}",
        f"{one.throughput.of_medians:.3f}",
        _pairs(one.throughput),
        _cpu(one.watched),
        _cpu(one.bare),
        f"{one.cpu.of_medians:.3f}" if one.cpu else "–",
        _pairs(one.cpu) if one.cpu else "–",
    )


def _speed(rounds: Sequence[Round]) -> float:
    return median(one.requests_per_s for one in rounds)


def _cpu(rounds: Sequence[Round]) -> str:
    known = [one.cpu_ms for one in rounds if one.cpu_ms is not None]
    return f"{median(known):.3f}" if known else "–"


def _pairs(ratio: Ratio) -> str:
    return f"{ratio.median:.3f} ({ratio.low:.3f}–{ratio.high:.3f})"


def _canaries(
    options: argparse.Namespace, how: Serving, bodies: Sequence[Json]
) -> tuple[Any, str]:  # likewise
    figures = measure_sparse_users(how, bodies[:NUM_USERS], options.port, options.user_rounds)
    header = ("", "requests", "p50 ms", "p95 ms", "most ms", "canaries answered", "deferred")
    return asdict(figures), format_table(header, _user_rows(figures))


def _user_rows(figures: SparseUsers) -> list[tuple[str, ...]]:
    def row(name: str, users: Users) -> tuple[str, ...]:
        times = (users.p50_ms, users.p95_ms, users.max_ms)
        counts = (users.num_answered, users.num_deferred)
        return (
            name,
            str(len(users.latencies_ms)),
            *(f"{t:.1f}" for t in times),
            *map(str, counts),
        )

    return [row("with canaries", figures.with_canaries), row("without", figures.without)]


SECTIONS = {"overhead": _overhead, "canaries": _canaries}


if __name__ == "__main__":
    main()
