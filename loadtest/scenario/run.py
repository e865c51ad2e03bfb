"""A run: the stages of a scenario, one after another; raw records first, then what they say."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp
import uvloop
from tqdm import tqdm

from evaluation.questions import Dataset
from evaluation.target import Endpoint, Target
from loadtest.scenario.arrivals import ClosedLoop, Steady, Sweep
from loadtest.scenario.asking import Asked, Asker, draw, is_refused, is_unreached
from loadtest.scenario.gates import Verdict, judge
from loadtest.scenario.record import Record
from loadtest.scenario.scenario import Scenario
from loadtest.scenario.stage import Extent, Taking, run_stage
from loadtest.scenario.summary import ALL, Limits, StageFigures, summarise_stage
from measurement.machine import Machine, describe_machine

SCENARIO, RECORDS, SUMMARY, REPORT = (
    "scenario.json",
    "records.jsonl",
    "summary.json",
    "report.html",
)
WARM_UP_CONCURRENCY = 4
WARM_UP_STAGE = -1


class UnusableFolder(Exception):
    """The message names the folder and why nothing can be kept there."""


class NothingAnswered(Exception):
    """The message says what came of the first requests."""


class CallRefused(Exception):
    """The server refuses one way of asking; the message has its words."""


@dataclass(frozen=True)
class Plan:
    """What is run: `questions` are already cut to the scenario's limit."""

    scenario: Scenario
    dataset: Dataset
    target: Target
    out: Path

    @property
    def answer(self) -> Any:  # a kind or {"pattern": …}
        given = self.scenario.questions.answer
        return self.dataset.answer if given is None else given


@dataclass
class Outcome:
    """What a run came to, as far as it came."""

    machine: Machine
    takings: list[Taking] = field(default_factory=list)

    @property
    def incomplete(self) -> str | None:
        """Why the run was broken off; None: it was not."""
        return next((one.incomplete for one in self.takings if one.incomplete), None)

    def stages(self, scenario: Scenario) -> list[StageFigures]:
        limits = Limits(scenario.slo.ttft_ms, scenario.slo.latency_ms)
        return [
            summarise_stage(
                one.stage,
                one.arrivals.label,
                None if isinstance(one.arrivals, ClosedLoop) else one.arrivals.rate,
                one.records,
                one.wall_s,
                one.client_cpu_s,
                one.incomplete,
                limits,
            )
            for one in self.takings
        ]


@dataclass(frozen=True)
class Summary:
    stages: list[StageFigures]
    verdicts: list[Verdict]
    incomplete: str | None


def carry_out(plan: Plan) -> Outcome:
    """Ask, and keep every record as it comes.

    Raises:
        UnusableFolder, OSError: of `plan.out`.
        ChildFailed: the server does not start.
        NothingAnswered, CallRefused, NotWinnow: of the first requests.
    """
    outcome = Outcome(describe_machine())
    with _open(plan) as file, plan.target.open() as endpoint:
        try:
            uvloop.run(_run(plan, endpoint, outcome, file))
        except KeyboardInterrupt:
            if not outcome.takings:
                raise
    return outcome


def summarise(plan: Plan, outcome: Outcome) -> Summary:
    """Also writes it beside the records."""
    stages = outcome.stages(plan.scenario)
    summary = Summary(stages, judge(plan.scenario.gates, stages), outcome.incomplete)
    contents = {
        "scenario": plan.scenario.model_dump(mode="json"),
        "questions": plan.dataset.fingerprint,
        "target": plan.target.name,
        "model": plan.target.model,
        "machine": asdict(outcome.machine),
        "incomplete": summary.incomplete,
        "gates": [
            {"gate": str(one.gate), "value": one.value, "holds": one.holds}
            for one in summary.verdicts
        ],
        "stages": [asdict(one) for one in stages],
    }
    text = json.dumps(contents, ensure_ascii=False, indent=1)
    (plan.out / SUMMARY).write_text(text + "\n", "utf-8")
    return summary


@contextmanager
def _open(plan: Plan) -> Iterator[IO[bytes]]:
    """The raw file of a new run."""
    plan.out.mkdir(parents=True, exist_ok=True)
    if any(plan.out.iterdir()):
        raise UnusableFolder(f"--out {plan.out}: is not empty; name a new folder")
    text = plan.scenario.model_dump_json(indent=1)
    (plan.out / SCENARIO).write_text(text + "\n", "utf-8")
    try:
        with (plan.out / RECORDS).open("wb", buffering=0) as file:  # each line is one write
            yield file
    except BaseException:
        if not (plan.out / RECORDS).stat().st_size:  # the same --out can be tried again
            for name in (RECORDS, SCENARIO):
                (plan.out / name).unlink()
            plan.out.rmdir()
        raise


async def _run(plan: Plan, endpoint: Endpoint, outcome: Outcome, file: IO[bytes]) -> None:
    scenario = plan.scenario
    headers = {"Content-Type": "application/json"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),  # each request has its own
        headers=headers,
        trust_env=not endpoint.is_local,
    ) as session:
        asker = Asker(scenario, endpoint, plan.answer, session)
        await _warm_up(plan, asker)
        stages = _Stages(plan, asker, outcome, file)
        if not isinstance(scenario.arrivals, Sweep):
            await stages.take(scenario.arrivals)
            return
        for alone_or_all in scenario.arrivals.closed:
            await stages.take(alone_or_all)
        speeds = [one.of(ALL).requests_per_s or 0.0 for one in outcome.stages(scenario)]
        if outcome.incomplete is None and min(speeds) > 0:
            for open_arrivals in scenario.arrivals.opened(speeds[0], max(speeds)):
                await stages.take(open_arrivals)


async def _warm_up(plan: Plan, asker: Asker) -> None:
    """First one request of each way of asking, which shows what will not work, then the others."""
    scenario, questions = plan.scenario, plan.dataset.questions
    extent = Extent(None, None, scenario.max_in_flight)
    for number, call in enumerate(scenario.mix):
        once = Taking(WARM_UP_STAGE, ClosedLoop(kind="closed_loop", concurrency=1))
        only = iter([Asked(number, call, questions[number % len(questions)], 0)])
        await run_stage(once, asker, only, _only(1, extent), scenario.seed, _ignore)
        (record,) = once.records
        if is_unreached(record):
            raise NothingAnswered(f"{plan.target.name}: {record.error}")
        if is_refused(record):
            raise CallRefused(f"mix.{call.name}: {record.error}")
    num_left = scenario.num_warm_up - len(scenario.mix)
    if num_left > 0:
        concurrency = min(WARM_UP_CONCURRENCY, num_left)
        rest = Taking(WARM_UP_STAGE, ClosedLoop(kind="closed_loop", concurrency=concurrency))
        todo = draw(scenario.mix, questions, scenario.seed)
        await run_stage(rest, asker, todo, _only(num_left, extent), scenario.seed, _ignore)


def _only(count: int, extent: Extent) -> Extent:
    return Extent(None, count, extent.max_in_flight)


def _ignore(_record: Record) -> None:
    """Warm-up requests are not kept."""


class _Stages:
    """Takes stages one after another, unless one was broken off."""

    def __init__(self, plan: Plan, asker: Asker, outcome: Outcome, file: IO[bytes]) -> None:
        self._plan = plan
        self._asker = asker
        self._outcome = outcome
        self._file = file

    async def take(self, arrivals: Steady) -> None:
        if self._outcome.incomplete is not None:
            return
        scenario = self._plan.scenario
        taking = Taking(len(self._outcome.takings), arrivals)
        self._outcome.takings.append(taking)
        todo = draw(scenario.mix, self._plan.dataset.questions, scenario.seed)
        extent = Extent(scenario.duration_s, scenario.num_requests, scenario.max_in_flight)
        with tqdm(desc=arrivals.label, unit="request", total=_expected(arrivals, extent)) as bar:
            progress = _Progress(self._file, bar)
            seed = scenario.seed + taking.stage
            await run_stage(taking, self._asker, todo, extent, seed, progress.tell)


class _Progress:
    """Keeps each record and shows it; the first failure of a kind is told in full."""

    def __init__(self, file: IO[bytes], bar: "tqdm[Any]") -> None:
        self._file = file
        self._bar = bar
        self._num_failed = 0
        self._num_right = 0
        self._told: set[str] = set()

    def tell(self, record: Record) -> None:
        self._file.write(record.model_dump_json().encode() + b"\n")
        self._num_right += record.is_right
        if record.error is not None:
            self._num_failed += 1
            if record.error not in self._told and len(self._told) < 3:
                self._told.add(record.error)
                self._bar.write(f"loadtest run: {record.call}: {record.error}", file=sys.stderr)
        self._bar.set_postfix(right=self._num_right, failed=self._num_failed, refresh=False)
        self._bar.update()


def _expected(arrivals: Steady, extent: Extent) -> int | None:
    """How many requests there will be, where that is known beforehand."""
    if extent.duration_s is None or isinstance(arrivals, ClosedLoop):
        return extent.num_requests
    by_time = round(arrivals.rate * extent.duration_s)
    return by_time if extent.num_requests is None else min(by_time, extent.num_requests)
