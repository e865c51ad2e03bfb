"""Compiling aside: one helper process, asked one request at a time, ended when it takes too long.

Tenants take turns, so that another tenant's requests hold one up for one compilation, not for all
of theirs. Its answers are kept, so that a schema is compiled once, however many requests carry it.
"""

import asyncio
import hashlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from server.errors import InvalidRequest
from server.structured.asked import Constraint
from server.structured.turns import Turns

MAX_ANSWERS = 256
# Each may wait for `timeout_s` behind those before it; more than these are told to come again.
MAX_WAITING_OF_TENANT = 16
MAX_WAITING = 256
START_TIMEOUT_S = 60.0
WORKER = (sys.executable, "-m", "server.structured.worker")

Text = tuple[str, str]  # what kind it is of, and itself


@dataclass(frozen=True)
class Failure:
    """`index` is that of the text; it failed in parsing, or in compiling for the vocabulary."""

    index: int
    stage: Literal["parse", "compile", "too much"]
    reason: str


class CompilerAside:
    """Says whether texts compile for a vocabulary within a time and a memory."""

    def __init__(self, timeout_s: float, setup: Callable[[], dict[str, object]]) -> None:
        """`setup` gives what a worker is told first; it may take a second, and runs in a thread."""
        self._timeout_s = timeout_s
        self._setup = setup
        self._told: bytes | None = None
        self._worker: Process | None = None
        self._turns = Turns(MAX_WAITING_OF_TENANT, MAX_WAITING)
        self._answers: OrderedDict[str, Failure | None] = OrderedDict()

    async def failure_of(
        self, texts: Sequence[Text], tenant: str, field: str = "structured_outputs"
    ) -> Failure | None:
        """The first text that does not compile, if one does not.

        Raises:
            Refused: too many wait for their turn, of this tenant (429) or of all (503).
        """
        line = json.dumps(texts).encode() + b"\n"
        key = hashlib.sha256(line).hexdigest()
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        async with self._turns.turn(tenant, field, self._timeout_s):
            if key not in self._answers:  # another may have asked for the same
                self._keep(key, await self._ask(line))
            return self._answers[key]

    @property
    def is_idle(self) -> bool:
        """Whether no worker runs."""
        return self._worker is None

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()

    def _keep(self, key: str, answer: Failure | None) -> None:
        self._answers[key] = answer
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

    async def _ask(self, line: bytes) -> Failure | None:
        worker = await self._started()
        try:
            answer = await asyncio.wait_for(_exchange(worker, line), self._timeout_s)
        except TimeoutError:
            answer = b""
        except BaseException:  # cancelled: the worker's answer would be taken for the next one's
            await self.close()
            raise
        if not answer:  # too slow, out of memory, or crashed
            await self.close()
            limit = f"takes longer than {self._timeout_s:g} s to compile, or too much memory"
            return Failure(0, "too much", f"too complex: {limit}")
        found = json.loads(answer)
        return None if found is None else Failure(**found)

    async def _started(self) -> Process:
        """The worker, once it has imported and read what it needs: that is no request's time.

        Raises:
            RuntimeError: it does not start.
        """
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        if self._told is None:
            setup = await asyncio.to_thread(self._setup)
            setup["timeout_s"] = self._timeout_s
            self._told = json.dumps(setup).encode() + b"\n"
        self._worker = await asyncio.create_subprocess_exec(
            *WORKER, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            greeting = await asyncio.wait_for(_exchange(self._worker, self._told), START_TIMEOUT_S)
        except BaseException:
            await self.close()
            raise
        if not greeting:
            await self.close()
            raise RuntimeError("the process that compiles structured outputs aside does not start")
        return self._worker


async def _exchange(worker: Process, line: bytes) -> bytes:
    """The worker's answer; empty where it has ended."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(line)
        await worker.stdin.drain()
    except ConnectionError:
        return b""
    return await worker.stdout.readline()


def refusal_of(constraint: Constraint, failure: Failure) -> InvalidRequest:
    return InvalidRequest(constraint.field, f"{constraint.field}: {failure.reason}")
