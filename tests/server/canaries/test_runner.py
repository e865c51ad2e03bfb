"""Asking canaries: who is asked what and when, and what becomes of the answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from decoding.decoder import Decoder
from decoding.report import Report
from decoding.verifiers import Verifiers
from server.canaries.opening import Canaries
from server.canaries.problems import Problem, ProblemFile
from server.canaries.runner import IDLE_S, Answered, Ask, CanaryFailed, CanaryRunner, Pace
from server.canaries.traffic import Traffic
from server.metrics import Metrics
from server.replies.ledger import Ledger
from server.replies.log import LoggedReply
from server.wire import choose_decoder

PROBLEMS = tuple(Problem(question=f"What is {n}?", gold=str(n)) for n in range(5))
AT_ONCE = Pace(interval_s=0.01, num_problems=2, only_idle=False)
WHEN_IDLE = Pace(interval_s=0.01, num_problems=2, only_idle=True)


class KeptReplies:
    """Stands for the ledger."""

    def __init__(self) -> None:
        self.replies: list[LoggedReply] = []

    def keep(self, reply: LoggedReply) -> None:
        self.replies.append(reply)


class Asked:
    """An `Ask` that writes down what it was asked, and answers 0 to everything."""

    def __init__(self, takes_s: float = 0.0, fails: Callable[[str], bool] = lambda q: False):
        self.log: list[tuple[str, str]] = []
        self.num_cancelled = 0
        self._takes_s, self._fails = takes_s, fails

    async def __call__(self, decoder: Decoder, question: str) -> Answered:
        self.log.append((question, decoder.strategy))
        try:
            await asyncio.sleep(self._takes_s)
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise
        if self._fails(question):
            raise CanaryFailed("the prompt is too long")
        report = Report(
            strategy=decoder.strategy,
            parameters={},
            selected=0,
            answer="0",
            confidence=0.75,
            agreement=None,
            fallback=None,
            num_tokens=7,
            candidates=(),
            phases_ms={},
        )
        return Answered(f"id-{len(self.log)}", "m", report)


@asynccontextmanager
async def running(
    ask: Ask, pace: Pace, traffic: Traffic, registry: CollectorRegistry, kept: KeptReplies
) -> AsyncIterator[None]:
    decoders = tuple(
        cast(Decoder, choose_decoder({"strategy": s}, None, 64, {}, Verifiers({}, 1.0, {})))
        for s in ("greedy", "cot_decoding")
    )
    canaries = Canaries(ProblemFile(PROBLEMS, ()), decoders)
    runner = CanaryRunner(canaries, pace, ask, traffic, Metrics(registry), cast(Ledger, kept), "m")
    task = asyncio.create_task(runner.run())
    try:
        yield
        assert not task.done(), "it goes on until it is told to stop"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def count(registry: CollectorRegistry, outcome: str, strategy: str = "greedy") -> float | None:
    labels = {"strategy": strategy, "model": "m", "outcome": outcome}
    return registry.get_sample_value("winnow_canaries_total", labels)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


async def test_each_decoder_is_asked_the_problems_in_turn(registry: CollectorRegistry) -> None:
    ask, kept = Asked(), KeptReplies()
    async with running(ask, AT_ONCE, Traffic(), registry, kept):
        await until(lambda: len(kept.replies) >= 12)
    asked = [n for n in (0, 1, 2, 3, 4, 0) for _ in range(2)]
    assert [question for question, _ in ask.log[:12]] == [f"What is {n}?" for n in asked]
    assert [strategy for _, strategy in ask.log[:4]] == ["greedy", "cot_decoding"] * 2


async def test_answers_are_judged_and_kept_as_canaries(registry: CollectorRegistry) -> None:
    kept = KeptReplies()
    async with running(Asked(), AT_ONCE, Traffic(), registry, kept):
        await until(lambda: len(kept.replies) >= 4)
    first, _, third, _ = kept.replies[:4]
    assert (first.source, first.tenant, first.strategy) == ("canary", "", "greedy")
    assert (first.is_right, third.is_right) == (True, False)
    labels = {"strategy": "greedy", "model": "m", "source": "canary"}
    assert registry.get_sample_value("winnow_accuracy", labels) is not None
    right = registry.get_sample_value("winnow_answers_total", {**labels, "outcome": "right"})
    wrong = registry.get_sample_value("winnow_answers_total", {**labels, "outcome": "wrong"})
    assert (right, wrong) == (1, (count(registry, "answered") or 0) - 1)
    users = {"strategy": "greedy", "model": "m"}
    assert registry.get_sample_value("winnow_request_seconds_count", users) is None


async def test_one_that_fails_is_counted_and_told_once_and_the_rest_goes_on(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    ask = Asked(fails=lambda question: question != "What is 4?")
    kept = KeptReplies()
    async with running(ask, AT_ONCE, Traffic(), registry, kept):
        await until(lambda: len(kept.replies) >= 2)
    assert (count(registry, "failed") or 0) >= 4
    assert all(not reply.is_right for reply in kept.replies)
    # By the record: where other tests have configured logging, each comes by two handlers.
    told = {id(record): record.getMessage() for record in caplog.records}
    assert list(told.values()) == [
        "canary failed: greedy: the prompt is too long",
        "canary failed: cot_decoding: the prompt is too long",
    ]


async def test_none_is_asked_while_a_user_is_served(registry: CollectorRegistry) -> None:
    ask, traffic = Asked(), Traffic()
    traffic.begin()
    async with running(ask, WHEN_IDLE, traffic, registry, KeptReplies()):
        await asyncio.sleep(2 * IDLE_S)
        assert not ask.log
        traffic.end()
        await until(lambda: bool(ask.log))


async def test_one_that_runs_makes_way_for_a_user_and_is_asked_again(
    registry: CollectorRegistry,
) -> None:
    ask, traffic, kept = Asked(takes_s=0.3), Traffic(), KeptReplies()
    async with running(ask, WHEN_IDLE, traffic, registry, kept):
        await until(lambda: len(ask.log) == 1)
        traffic.begin()
        await until(lambda: ask.num_cancelled == 1)
        traffic.end()
        await until(lambda: len(kept.replies) == 1)
    assert ask.log[:2] == [("What is 0?", "greedy")] * 2
    assert count(registry, "deferred") == 1
    assert kept.replies[0].is_right
    await asyncio.sleep(0)
    assert ask.num_cancelled <= 2  # the second where the runner was stopped


async def test_told_to_always_ask_it_does_not_wait(registry: CollectorRegistry) -> None:
    ask, traffic = Asked(), Traffic()
    traffic.begin()
    async with running(ask, AT_ONCE, traffic, registry, KeptReplies()):
        await until(lambda: len(ask.log) >= 4)
    assert count(registry, "deferred") is None
