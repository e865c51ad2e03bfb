"""A process aside for work that a client can make too slow, too large or crash.

The process is started when it is first needed, is asked one thing at a time, and is killed when an
answer takes too long or nobody waits for it any more. The next question starts another one.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
START_TIMEOUT_S = 60.0
MAX_LINE_BYTES = 2**21
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Each thread of a numeric library reserves memory that counts against the process' limit."""


class Ended(Exception):
    """The process took too long or ended before it answered."""


class Aside:
    """A module run by `python -m`, which reads its setup as a line of JSON and answers it with a
    line before it is asked anything."""

    def __init__(
        self, module: str, setup: Callable[[], Mapping[str, object]], timeout_s: float
    ) -> None:
        """`setup` runs in a thread, once for each process; `timeout_s` holds for each question."""
        self._module = module
        self._setup = setup
        self._timeout_s = timeout_s
        self._process: Process | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no process runs."""
        return self._process is None

    async def ask(self, question: bytes, read: Callable[[asyncio.StreamReader], Awaitable[T]]) -> T:
        """Return what `read` makes of the answer; `read` raises EOFError at an early end.

        Raises:
            Ended: it took longer than the timeout, or the process ended.
            RuntimeError: the process does not start.
        """
        process = await self._started()
        try:
            return await asyncio.wait_for(_exchange(process, question, read), self._timeout_s)
        except (TimeoutError, EOFError, ConnectionError):
            await self.close()
            raise Ended from None
        except BaseException:  # the answer would be taken for the next question's
            await self.close()
            raise

    async def close(self) -> None:
        """Kill the process, if there is one, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _started(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        told = json.dumps(await asyncio.to_thread(self._setup)).encode() + b"\n"
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **ONE_THREAD},
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )
        try:
            await asyncio.wait_for(_exchange(self._process, told, read_line), START_TIMEOUT_S)
        except (TimeoutError, EOFError, ConnectionError):
            await self.close()
            raise RuntimeError(f"the process of {self._module} does not start") from None
        except BaseException:
            await self.close()
            raise
        return self._process


async def read_line(answer: asyncio.StreamReader) -> bytes:
    """Read one line of the process's answer.

    Raises:
        EOFError: the process ended.
    """
    line = await answer.readline()
    if not line:
        raise EOFError
    return line


async def _exchange(
    process: Process, question: bytes, read: Callable[[asyncio.StreamReader], Awaitable[T]]
) -> T:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question)
    await process.stdin.drain()
    return await read(process.stdout)
