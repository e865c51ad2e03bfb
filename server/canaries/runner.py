"""Asking the canaries, one at a time, at an interval, out of the users' way."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from decoding.answers import is_same_answer
from decoding.decoder import Decoder
from decoding.report import Report
from server.canaries.opening import Canaries
from server.canaries.problems import Problem
from server.canaries.traffic import Traffic
from server.metrics import Metrics
from server.replies.ledger import Ledger
from server.replies.log import LoggedReply

logger = logging.getLogger(__name__)

IDLE_S = 0.5
"""A pause between two requests of one client is no idle server."""


class CanaryFailed(Exception):
    """The server refused the problem or gave it up; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A problem that went through a decoder, as if a user had asked it."""

    id: str
    model: str
    report: Report


Ask = Callable[[Decoder, str], Awaitable[Answered]]
"""Raises CanaryFailed. Cancelling it ends every path."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Every `interval_s` seconds the next `num_problems` are asked of every decoder; where
    `only_idle`, while no user is being served."""

    interval_s: float
    num_problems: int
    only_idle: bool


class CanaryRunner:
    """Asks until it is cancelled. Replies are judged as those to labelled requests are, under a
    source of their own, and kept in the log of replies."""

    def __init__(
        self,
        canaries: Canaries,
        pace: Pace,
        ask: Ask,
        traffic: Traffic,
        metrics: Metrics,
        ledger: Ledger,
        model: str,
    ) -> None:
        self._canaries, self._pace = canaries, pace
        self._ask, self._traffic = ask, traffic
        self._metrics, self._ledger, self._model = metrics, ledger, model
        self._failures: set[str] = set()

    async def run(self) -> None:
        problems = itertools.cycle(self._canaries.file.problems)
        while True:
            ends_at = time.monotonic() + self._pace.interval_s
            for problem, decoder in self._round(problems):
                await self._ask_when_idle(decoder, problem)
            await asyncio.sleep(ends_at - time.monotonic())

    def _round(self, problems: Iterator[Problem]) -> Iterator[tuple[Problem, Decoder]]:
        num = min(self._pace.num_problems, len(self._canaries.file.problems))
        return itertools.product(itertools.islice(problems, num), self._canaries.decoders)

    async def _ask_when_idle(self, decoder: Decoder, problem: Problem) -> None:
        """Where a user's request comes in, the problem is dropped at once and asked again later."""
        if not self._pace.only_idle:
            await self._ask_one(decoder, problem)
            return
        while True:
            await self._traffic.wait_until_idle(IDLE_S)
            asking = asyncio.create_task(self._ask_one(decoder, problem))
            waiting = asyncio.create_task(self._traffic.wait_for_request())
            try:
                await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                is_answered = asking.done()
                for task in (asking, waiting):
                    task.cancel()
                await asyncio.wait({asking, waiting})
            if is_answered:
                return asking.result()
            self._metrics.count_canary(self._model, decoder.strategy, "deferred")

    async def _ask_one(self, decoder: Decoder, problem: Problem) -> None:
        began = time.perf_counter()
        try:
            answered = await self._ask(decoder, problem.question)
        except Exception as failure:  # whatever it is, the next one may do
            self._metrics.count_canary(self._model, decoder.strategy, "failed")
            self._tell_once(decoder, failure)
            return
        report, model = answered.report, answered.model
        is_right = any(is_same_answer(report.answer, gold, decoder.answer) for gold in problem.gold)
        reply = LoggedReply(
            id=answered.id,
            tenant="",
            model=model,
            strategy=report.strategy,
            answer=report.answer,
            confidence=report.confidence,
            agreement=report.agreement,
            fallback=report.fallback,
            num_tokens=report.num_tokens,
            seconds=time.perf_counter() - began,
            is_right=is_right,
            created_at=time.time(),
            source="canary",
        )
        self._ledger.keep(reply)
        self._metrics.count_canary(model, report.strategy, "answered")
        self._metrics.judge(
            model,
            report.strategy,
            "canary",
            is_right,
            report.answer is not None,
            reply.sureness,
        )

    def _tell_once(self, decoder: Decoder, failure: Exception) -> None:
        """A failure that comes at every problem is no flood of lines."""
        told = f"{decoder.strategy}: {failure}"
        if told not in self._failures:
            self._failures.add(told)
            is_known = isinstance(failure, CanaryFailed)
            logger.error("canary failed: %s", told, exc_info=None if is_known else failure)
