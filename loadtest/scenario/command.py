"""`python -m loadtest run SCENARIO.yaml`: speed and correctness of a server under a load."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evaluation.eval_set import UnreadableEvalSet
from evaluation.questions import Dataset, UnreadableDataset, read_dataset
from evaluation.replies import NotWinnow
from evaluation.target import Target, UnusableTarget, own_target, running_target
from loadtest.scenario.report import (
    errors_of,
    goodput_rule,
    render_page,
    render_table,
    verdict_text,
    warnings_of,
)
from loadtest.scenario.run import (
    REPORT,
    CallRefused,
    NothingAnswered,
    Outcome,
    Plan,
    Summary,
    UnusableFolder,
    carry_out,
    summarise,
)
from loadtest.scenario.scenario import Questions, Scenario, UnusableScenario, read_scenario
from loadtest.scenario.stage import INTERRUPTED
from measurement.child_process import ChildFailed
from measurement.interruption import signals_interrupt
from measurement.plots import NoPlots
from measurement.server_process import NoServer
from measurement.serving import POCKET

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_GATE = 3
EXIT_INTERRUPTED = 130
API_KEY = "OPENAI_API_KEY"

DESCRIPTION = """\
Load a server as a scenario file says, and tell how fast and how right it answers. A table goes to
stdout, progress to stderr; --out keeps every request (records.jsonl), the figures (summary.json)
and a page with plots (report.html).

exit code: 0 done, 1 the server is not there, died or answered nothing (what was taken by then is
kept and marked), 2 a scenario, flag or file that cannot be used, 3 a gate was not kept,
130 interrupted (likewise kept)
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        with signals_interrupt():
            return _run(options)
    except (
        *(UnusableScenario, UnreadableDataset, UnreadableEvalSet, UnusableTarget, UnusableFolder),
        *(CallRefused, NotWinnow, OSError),
    ) as failure:
        return _end(f"error: {failure}", EXIT_USAGE)
    except (ChildFailed, NoServer, NothingAnswered) as failure:
        return _end(f"error: {failure}", EXIT_FAILED)
    except KeyboardInterrupt:  # before anything was taken
        return _end("interrupted", EXIT_INTERRUPTED)


def _end(message: str, exit_code: int) -> int:
    print(f"loadtest run: {message}", file=sys.stderr)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest run",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("scenario", type=Path, metavar="SCENARIO", help="a YAML file; loadtest/scenarios/ has some")
    add("--out", type=Path, help="a new folder to keep the run in (default load-NAME-TIME)")
    add("--server", metavar="URL", help="the server to load, in place of the scenario's")
    add("--model", help="which of its models (default: its only one)")
    add("--api-key", help=f"the server's (default: {API_KEY} of the environment)")
    add("--duration-s", type=float, help="in place of the scenario's")
    add("--num-requests", type=int, help="in place of the scenario's")
    add("--seed", type=int, help="in place of the scenario's")
    return parser


def _run(options: argparse.Namespace) -> int:
    scenario = read_scenario(
        options.scenario,
        {
            "server": options.server,
            "model": options.model,
            "duration_s": options.duration_s,
            "num_requests": options.num_requests,
            "seed": options.seed,
        },
    )
    dataset = _dataset(scenario.questions, options.scenario.parent)
    target = _target(scenario, options.api_key)
    plan = Plan(scenario, dataset, target, options.out or _new_folder(scenario))
    outcome = carry_out(plan)
    summary = summarise(plan, outcome)
    _print(plan, summary)
    _draw(plan, outcome, summary)
    print(f"kept in {plan.out}", file=sys.stderr)
    return _exit_code(summary)


def _dataset(questions: Questions, folder: Path) -> Dataset:
    """Cut to the limit."""
    source = questions.source if questions.source == POCKET else str(folder / questions.source)
    dataset = read_dataset(source, questions.format, questions.split)
    return replace(dataset, questions=dataset.questions[: questions.limit])


def _target(scenario: Scenario, api_key: str | None) -> Target:
    if scenario.server is None:
        if scenario.model is not None:
            raise UnusableTarget(f"model {scenario.model!r} goes with a server; use checkpoint")
        return own_target(scenario.checkpoint or POCKET, api_key or "")
    key = os.environ.get(API_KEY, "") if api_key is None else api_key
    return running_target(scenario.server, scenario.model, key)


def _new_folder(scenario: Scenario) -> Path:
    name = re.sub(r"[^\w.-]+", "-", scenario.name)
    return Path(f"load-{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def _print(plan: Plan, summary: Summary) -> None:
    print(f"{plan.scenario.name}: {plan.dataset.name}, {plan.target.model} at {plan.target.name}")
    print(f"\n{render_table(summary)}\n\n{goodput_rule(plan)}")
    for line in (*errors_of(summary.stages), *warnings_of(summary.stages)):
        print(line)
    for verdict in summary.verdicts:
        print(f"gate {verdict_text(verdict)}")
    if summary.incomplete:
        print(f"BROKEN OFF: {summary.incomplete}; the figures are of what was taken by then")


def _draw(plan: Plan, outcome: Outcome, summary: Summary) -> None:
    try:
        page = render_page(plan, outcome, summary)
    except NoPlots as reason:
        print(f"loadtest run: no page: {reason}", file=sys.stderr)
    else:
        (plan.out / REPORT).write_text(page, "utf-8")


def _exit_code(summary: Summary) -> int:
    if summary.incomplete == INTERRUPTED:
        return _end("interrupted; what was taken by then is kept", EXIT_INTERRUPTED)
    if summary.incomplete:
        return _end(f"error: {summary.incomplete}", EXIT_FAILED)
    if not any(figures.num_answered for stage in summary.stages for figures in stage.figures):
        return _end("error: no request was answered", EXIT_FAILED)
    broken = [verdict for verdict in summary.verdicts if not verdict.holds]
    if broken:
        return _end(f"{len(broken)} of {len(summary.verdicts)} gates not kept", EXIT_GATE)
    return 0
