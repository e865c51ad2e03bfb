"""Runs cases one at a time while a canary watches that the server goes on answering others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from tqdm import tqdm

from loadtest.hostile.case import Case, Outcome, Reply, Target
from loadtest.hostile.expectations import answered
from loadtest.hostile.wire import Connection, Cut, as_json, exchange, request

CANARY_EVERY_S = 0.05
MAX_STALL_S = 2.0
RECOVER_S = 30.0
IDLE_S = 10.0
CHECK_EVERY = 25
POLL_S = 0.1
AFTERMATH = "aftermath"
CHAT = "/v1/chat/completions"
BUSY = ("vllm:num_requests_running{", "vllm:num_requests_waiting{")


@dataclass(frozen=True)
class Result:
    """`stall_s` is the longest that /health took during the case. `failure` is None of a pass."""

    group: str
    name: str
    failure: str | None
    elapsed_s: float = 0.0
    stall_s: float = 0.0
    statuses: tuple[int, ...] = ()


@dataclass
class Canary:
    """The longest time that /health has not answered within."""

    longest_s: float = 0.0
    asked_at: float | None = None

    def ask(self) -> None:
        """A question that was not answered counts from when it was first asked."""
        self.asked_at = self.asked_at or time.monotonic()

    def hear(self) -> None:
        if self.asked_at is not None:
            self.longest_s = max(self.longest_s, time.monotonic() - self.asked_at)
        self.asked_at = None


async def run_cases(target: Target, cases: Sequence[Case]) -> list[Result]:
    """The results in the order of the cases. Every so often, after clients that left, and at the
    end there is one more: whether the engine is idle and an ordinary request succeeds. Where the
    server is gone for good the cases left have no results."""
    results: list[Result] = []
    health = request(target, "GET", "/health", key=None)
    for number, case in enumerate(tqdm(cases, unit="case", mininterval=1), 1):
        result = await run_case(target, case)
        if result.failure:
            await _recover(target)
        if not await _comes(target, health, _is_ok, IDLE_S):
            results.append(replace(result, failure=f"/health is gone; {result.failure}"))
            break
        results.append(result)
        if number % CHECK_EVERY == 0 or number == len(cases) or case.leaves:
            results.append(await _check(target, case))
    return results


async def run_case(target: Target, case: Case) -> Result:
    async with _canary(target) as canary:
        began = time.monotonic()
        try:
            async with asyncio.timeout(case.deadline_s):
                outcome: Outcome | None = await _play(target, case)
        except TimeoutError:
            outcome = None
        elapsed_s = time.monotonic() - began
    failure = f"hung for {elapsed_s:.1f} s" if outcome is None else case.expect(outcome)
    if failure is None and canary.longest_s > MAX_STALL_S:
        failure = f"/health stalled for {canary.longest_s:.1f} s"
    statuses = tuple(sorted({reply.status for reply in outcome.replies})) if outcome else ()
    return Result(case.group, case.name, failure, elapsed_s, canary.longest_s, statuses)


async def _play(target: Target, case: Case) -> Outcome:
    outcomes = await asyncio.gather(
        *(
            exchange(target, case.script, case.num_replies, leaves=case.leaves)
            for _ in range(case.num_connections)
        )
    )
    replies = tuple(reply for outcome in outcomes for reply in outcome.replies)
    return Outcome(replies, sum(outcome.num_cut for outcome in outcomes))


@asynccontextmanager
async def _canary(target: Target) -> AsyncIterator[Canary]:
    """Asks /health on a connection of its own; on leaving, its last question is waited for."""
    canary = Canary()
    is_over = asyncio.Event()
    watching = asyncio.create_task(_watch(target, canary, is_over))
    try:
        yield canary
    finally:
        is_over.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(RECOVER_S):
                await watching
        canary.hear()


async def _watch(target: Target, canary: Canary, is_over: asyncio.Event) -> None:
    question = request(target, "GET", "/health", key=None, is_last=False)
    connection: Connection | None = None
    try:
        while not is_over.is_set():
            canary.ask()
            try:
                connection = connection or await Connection.open(target)
                await connection.send((question,))
                await connection.read_reply()
                canary.hear()
            except (Cut, OSError):
                connection = None
            with suppress(TimeoutError):
                async with asyncio.timeout(CANARY_EVERY_S):
                    await is_over.wait()
    finally:
        if connection:
            connection.close()


async def _check(target: Target, last: Case) -> Result:
    """Whether the engine has nothing left to do, and then answers an ordinary request."""
    name = f"after {last.group}: {last.name}"
    metrics = request(target, "GET", "/metrics")
    if not await _comes(target, metrics, _is_idle, IDLE_S):
        await _comes(target, metrics, _is_idle, RECOVER_S)  # the next case starts afresh
        return Result(AFTERMATH, name, f"the engine is not idle within {IDLE_S:.0f} s")
    ordinary = request(target, "POST", CHAT, as_json(_ordinary(target)))
    return await run_case(target, Case(AFTERMATH, name, (ordinary,), answered))


async def _recover(target: Target) -> None:
    """Waits until the server does again what is easy: no case fails by what one before it began.

    Grammars are compiled by a few threads, of which /health and plain requests know nothing.
    """
    body = {**_ordinary(target), "structured_outputs": {"choice": ["yes", "no"]}}
    await _comes(target, request(target, "POST", CHAT, as_json(body)), _is_any, RECOVER_S)


def _ordinary(target: Target) -> dict[str, Any]:  # JSON
    message = {"role": "user", "content": "What is 2 + 3?"}
    return {"model": target.model, "messages": [message], "max_tokens": 4}


def _is_any(_: Reply) -> bool:
    return True


def _is_ok(reply: Reply) -> bool:
    return reply.status == HTTPStatus.OK


def _is_idle(metrics: Reply) -> bool:
    lines = [line for line in metrics.body.decode().splitlines() if line.startswith(BUSY)]
    return len(lines) >= len(BUSY) and not any(float(line.rpartition(" ")[2]) for line in lines)


async def _comes(
    target: Target, question: bytes, holds: Callable[[Reply], bool], timeout_s: float
) -> bool:
    """Whether a reply that is right comes within this time; it is asked for again and again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while True:
                outcome = await exchange(target, (question,), 1, leaves=False)
                if any(map(holds, outcome.replies)):
                    return True
                await asyncio.sleep(POLL_S)
    return False
