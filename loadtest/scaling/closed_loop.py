"""A closed loop for some seconds: each client asks anew as soon as it was answered.

Counted is what ends in the window between a warm-up and the end. The warm-up is over after a
second, in which the server clears away what the last point left, and when as many questions have
ended as there are clients; the window holds at least as many again: else a point of long questions
would count those alone that are short. What is under way at the end is dropped. Failures are
counted and the loop goes on.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from loadtest.scaling.engine_watch import EngineWatch
from loadtest.scaling.measured import EngineWork, ProcessorTime

WARM_S = 1.0
FAILED_PAUSE_S = 0.1
"""A server that refuses at once shall not be asked in a busy loop."""
IDLE_WITHIN_S = 60.0


@dataclass(frozen=True)
class Terms:
    """A window lasts `point_s`, longer until every client was answered, but not beyond `most_s`,
    which bounds the warm-up, too."""

    concurrency: int
    point_s: float
    most_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """One request: of which problem, when it began and ended, and the reply or what failed."""

    problem: int
    began_s: float
    ended_s: float
    body: bytes
    failure: str | None

    @property
    def latency_s(self) -> float:
        return self.ended_s - self.began_s


@dataclass(frozen=True)
class Window:
    seconds: float
    ended: tuple[Ended, ...]
    engine: EngineWork | None
    memory_mb: float | None
    processor_time: ProcessorTime | None


class ClosedLoop:
    """The clients of one point. `requests` gives the problem's number and the body."""

    def __init__(
        self, client: aiohttp.ClientSession, url: str, requests: Iterator[tuple[int, bytes]]
    ) -> None:
        self._client = client
        self._url = f"{url}/v1/chat/completions"
        self._requests = requests
        self._ended: list[Ended] = []
        self._progress = asyncio.Event()

    async def run(self, terms: Terms, watch: EngineWatch) -> Window:
        tasks = [asyncio.create_task(self._work()) for _ in range(terms.concurrency)]
        try:
            await self._until(terms.concurrency, WARM_S, terms.most_s)
            tasks.append(asyncio.create_task(watch.watch()))
            began, first = time.perf_counter(), len(self._ended)
            spent_before = watch.processor_time()
            before = await watch.scrape()
            await self._until(first + terms.concurrency, terms.point_s, terms.most_s)
            seconds, last = time.perf_counter() - began, len(self._ended)
            spent_after = watch.processor_time()
            after = await watch.scrape()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # The next point begins at an idle engine.
        await watch.becomes_idle(IDLE_WITHIN_S)
        return Window(
            seconds,
            tuple(self._ended[first:last]),
            watch.work(before, after),
            watch.peak_memory_mb,
            _spent(spent_before, spent_after),
        )

    async def _until(self, num_ended: int, least_s: float, most_s: float) -> None:
        began = time.perf_counter()
        while (passed_s := time.perf_counter() - began) < most_s:
            is_enough = len(self._ended) >= num_ended
            if is_enough and passed_s >= least_s:
                return
            self._progress.clear()
            with suppress(TimeoutError):
                left_s = (least_s if is_enough else most_s) - passed_s
                await asyncio.wait_for(self._progress.wait(), left_s)

    async def _work(self) -> None:
        for problem, payload in self._requests:
            began = time.perf_counter()
            failure, body = None, b""
            try:
                async with self._client.post(self._url, data=payload) as reply:
                    body = await reply.read()
                    if reply.status != HTTPStatus.OK:
                        failure = str(reply.status)
            except TimeoutError:
                failure = "timeout"
            except aiohttp.ClientError as error:
                failure = type(error).__name__
            self._ended.append(Ended(problem, began, time.perf_counter(), body, failure))
            self._progress.set()
            if failure:
                await asyncio.sleep(FAILED_PAUSE_S)


def _spent(before: ProcessorTime | None, after: ProcessorTime | None) -> ProcessorTime | None:
    if before is None or after is None:
        return None
    return ProcessorTime(
        after.api_s - before.api_s,
        after.engine_s - before.engine_s,
        max(0.0, after.others_s - before.others_s),
    )
