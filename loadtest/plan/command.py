"""`python -m loadtest plan`: the replicas or GPUs that a rate of questions needs."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loadtest.plan.check import Check, check, check_table, error_sentences, fitted_costs
from loadtest.plan.checkpoint import UnusableCheckpoint
from loadtest.plan.fit import TooFewPoints
from loadtest.plan.hardware import GPUS
from loadtest.plan.model import DoesNotFit
from loadtest.plan.question import STRATEGIES
from loadtest.plan.report import plan_json, plan_text
from loadtest.plan.roofline import Assumptions
from loadtest.plan.sizing import UnusableGoal, size
from loadtest.scaling.measured import UnreadableMeasurements, read_measurements
from measurement.arguments import count, not_negative, percentile, positive, share, whole

EXIT_USAGE = 2
EXIT_NOT_HELD = 3
DEFAULTS = Assumptions()

DESCRIPTION = """\
How many replicas (of the measured machine) or GPUs (on paper) answer --rate questions/s by a
decoder, within --slo-ms for --percentile percent of them: in closed form and by a simulation of
continuous batching, which is the one to believe. `python -m loadtest scale --out FILE` measures.

  plan --rate 50 --strategy majority_vote --num-samples 16 --measurements FILE --slo-ms 2000
  plan --rate 50 --strategy majority_vote --num-samples 16 --gpu H100 --checkpoint FOLDER \\
       --prompt-tokens 300 --output-tokens 400 --slo-ms 20000
  plan --check FILE    fits a part of what was measured, predicts the rest, tells the error

exit code: 0, 2 a flag, file or checkpoint that cannot be used, 3 no number of replicas holds
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.check:
            _check(options)
            return 0
        return _plan(options)
    except (
        *(UnusableGoal, UnusableCheckpoint, UnreadableMeasurements, TooFewPoints, DoesNotFit),
    ) as failure:
        print(f"plan: error: {failure}", file=sys.stderr)
        return EXIT_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest plan",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    basis = parser.add_mutually_exclusive_group(required=True)
    basis.add_argument("--measurements", type=Path, help="what `loadtest scale --out` wrote")
    basis.add_argument("--gpu", choices=GPUS, help="on paper, by its data sheet")
    basis.add_argument("--check", type=Path, metavar="FILE", help="predict what was measured")
    add = parser.add_argument
    add("--rate", type=positive, help="questions/s")
    add("--strategy", choices=STRATEGIES, default="majority_vote", help="(default %(default)s)")
    add("--k", type=count, help="branches of cot_decoding (default 10)")
    add("--num-samples", type=count, help="of a decoder that samples (default: Winnow's)")
    add("--prompt-tokens", type=positive, help="of a question (default: as measured)")
    add("--output-tokens", type=positive, help="of a path, on average (default: as measured)")
    add("--output-deviation", type=not_negative, help="(default: as measured, or half the mean)")
    add("--checkpoint", help="folder or 'pocket' (default: pocket, or what was measured)")
    add("--slo-ms", type=positive, help="latency to be held")
    add("--percentile", type=percentile, default=99.0, help="of questions (default %(default)g)")
    add("--utilization", type=share, default=0.8,
        help="most of a replica's capacity that is planned with (default %(default)g)")  # fmt: skip
    add("--max-num-seqs", type=count, help="as the server's flag (default: as measured, or vLLM's)")
    add("--max-num-batched-tokens", type=count, help="as the server's flag (default: vLLM's)")
    add("--questions", type=count, default=2000, help="to simulate (default %(default)s)")
    add("--seed", type=whole, default=0, help="of the simulation (default %(default)s)")
    add("--json", action="store_true", help="print JSON")
    _add_paper(parser)
    return parser


def _add_paper(parser: argparse.ArgumentParser) -> None:
    """Defaults are told and not set, so that a flag that was given can be refused elsewhere."""
    add = parser.add_argument_group("with --gpu").add_argument
    add("--tensor-parallel", type=count, help=f"GPUs of a replica ({DEFAULTS.tensor_parallel})")
    add("--gpu-memory-utilization", type=share, help=f"({DEFAULTS.memory_utilization:g})")
    add("--reserve-gb", type=not_negative,
        help=f"of a GPU, beside weights and KV cache ({DEFAULTS.reserve_gb:g})")  # fmt: skip
    add("--bandwidth-efficiency", type=share, help=f"({DEFAULTS.bandwidth_efficiency:g})")
    add("--compute-efficiency", type=share, help=f"({DEFAULTS.compute_efficiency:g})")
    add("--step-overhead-ms", type=not_negative, help=f"({DEFAULTS.step_overhead_ms:g})")
    add("--api-request-ms", type=not_negative, help=f"({DEFAULTS.api_request_ms:g})")
    add("--api-path-ms", type=not_negative, help=f"({DEFAULTS.api_path_ms:g})")
    add("--block-size", type=count, help="of the prefix cache (16)")


def _plan(options: argparse.Namespace) -> int:
    if options.rate is None:
        raise UnusableGoal("--rate is needed: questions/s, a number above 0")
    planned = size(options)
    print(plan_json(planned) if options.json else plan_text(planned))
    return 0 if planned.plan.simulated else EXIT_NOT_HELD


def _check(options: argparse.Namespace) -> None:
    measurements = read_measurements(options.check)
    figures = check(measurements, options.max_num_seqs, options.seed)
    if options.json:
        print(_check_json(figures))
        return
    print(f"fitted: {fitted_costs(figures.replica)}\n")
    print(f"{check_table(figures)}\n")
    print("\n".join(error_sentences(figures.compared)))


def _check_json(figures: Check) -> str:
    compared = [
        {
            **asdict(one),
            "errors": dict(zip(("questions_per_s", "p50", "p99"), one.errors, strict=True)),
        }
        for one in figures.compared
    ]
    return json.dumps({"costs": asdict(figures.replica.costs), "points": compared}, indent=1)
