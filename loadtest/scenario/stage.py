"""One stage of a run: requests arrive as they should until its end, and every reply is kept."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from loadtest.scenario.arrivals import ClosedLoop, Steady
from loadtest.scenario.asking import Asked, Asker, is_unreached
from loadtest.scenario.record import Record

MIN_UNREACHED = 8
"""Requests in a row to which nothing came back, after which no more are sent."""
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Extent:
    """When a stage ends: after so long or so many arrivals, whichever is first; None: no limit.
    Beyond `max_in_flight` an arrival is not sent, and has failed."""

    duration_s: float | None
    num_requests: int | None
    max_in_flight: int


@dataclass
class Taking:
    """What was taken of a stage so far. `incomplete` says why it was broken off."""

    stage: int
    arrivals: Steady
    records: list[Record] = field(default_factory=list)
    wall_s: float = 0.0
    client_cpu_s: float = 0.0
    incomplete: str | None = INTERRUPTED


async def run_stage(
    taking: Taking,
    asker: Asker,
    todo: Iterator[Asked],
    extent: Extent,
    seed: int,
    tell: Callable[[Record], None],
) -> None:
    """Fill `taking`, which holds what there is also where this is cancelled; `tell` is called with
    each record as it comes.

    Raises:
        NotWinnow: a decoder was asked for, and the server has none.
    """
    runner = _Runner(taking, asker, todo, extent, tell)
    began_cpu = time.process_time()
    try:
        if isinstance(taking.arrivals, ClosedLoop):
            await runner.run_closed(taking.arrivals.concurrency)
        else:
            await runner.run_open(taking.arrivals.offsets_s(seed))
        taking.incomplete = runner.gone
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        taking.wall_s = runner.elapsed_s
        taking.client_cpu_s = time.process_time() - began_cpu


class _Runner:
    def __init__(
        self,
        taking: Taking,
        asker: Asker,
        todo: Iterator[Asked],
        extent: Extent,
        tell: Callable[[Record], None],
    ) -> None:
        self.gone: str | None = None
        self._taking = taking
        self._asker = asker
        self._todo = todo
        self._extent = extent
        self._tell = tell
        self._began = time.perf_counter()
        self._num_arrived = 0
        self._num_in_flight = 0
        self._num_unreached = 0

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._began

    async def run_closed(self, concurrency: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._work())

    async def run_open(self, offsets_s: Iterator[float]) -> None:
        async with asyncio.TaskGroup() as group:
            for offset_s in offsets_s:
                if self._is_over(offset_s):
                    break
                await asyncio.sleep(offset_s - self.elapsed_s)
                if self.gone is not None:
                    break
                asked = self._next()
                if self._num_in_flight >= self._extent.max_in_flight:
                    self._keep(self._not_sent(asked, offset_s))
                else:
                    group.create_task(self._ask(asked, offset_s))

    async def _work(self) -> None:
        while self.gone is None and not self._is_over(arrival_s := self.elapsed_s):
            await self._ask(self._next(), arrival_s)

    def _is_over(self, offset_s: float) -> bool:
        extent = self._extent
        has_all = extent.num_requests is not None and self._num_arrived >= extent.num_requests
        return has_all or (extent.duration_s is not None and offset_s >= extent.duration_s)

    def _next(self) -> Asked:
        self._num_arrived += 1
        return next(self._todo)

    async def _ask(self, asked: Asked, arrival_s: float) -> None:
        self._num_in_flight += 1
        try:
            record = await self._asker.ask(
                asked, self._taking.stage, self._began + arrival_s, arrival_s
            )
        except asyncio.CancelledError:
            self._keep(self._failed(asked, arrival_s, INTERRUPTED))
            raise
        finally:
            self._num_in_flight -= 1
        self._keep(record)
        self._num_unreached = self._num_unreached + 1 if is_unreached(record) else 0
        if self._num_unreached >= MIN_UNREACHED and self.gone is None:
            self.gone = f"the server does not answer any more: {record.error}"

    def _keep(self, record: Record) -> None:
        self._taking.records.append(record)
        self._tell(record)

    def _not_sent(self, asked: Asked, arrival_s: float) -> Record:
        return self._failed(
            asked, arrival_s, f"not sent: {self._extent.max_in_flight} were in flight"
        )

    def _failed(self, asked: Asked, arrival_s: float, error: str) -> Record:
        return Record(
            stage=self._taking.stage,
            number=asked.number,
            call=asked.call.name,
            question=asked.question.id,
            arrival_s=arrival_s,
            late_ms=0.0,
            latency_ms=1000 * max(0.0, self.elapsed_s - arrival_s),
            error=error,
        )
