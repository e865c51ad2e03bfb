"""Processes that end with what has started them."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

STOP_TIMEOUT_S = 60.0
_REASON = re.compile(r"(?:\w+(?:Error|Exception|Exit)|error): (?P<reason>\S.*)$")
_NO_REASON = ("Engine core initialization failed", "Worker failed with error")
"""vLLM's ways of saying that the reason stands above."""


@dataclass(frozen=True)
class Child:
    """`log` holds what it wrote, but for stdout where that is a pipe."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def said(self) -> bytes:
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0)

    def wait(self) -> None:
        """Give a process that closed its pipes the time to write why, and to end."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT_S)

    def reason(self) -> str:
        """The last error that its log tells, in one line."""
        return last_reason(self.said().decode(errors="replace"))


def last_reason(log: str) -> str:
    """The last line of a log that names an error and says what is wrong; else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    found = [match["reason"] for line in lines if (match := _REASON.search(line))]
    telling = [reason for reason in found if not reason.startswith(_NO_REASON)]
    return [*lines[-1:], *found[-1:], *telling[-1:]][-1] if lines else "it said nothing"


@contextmanager
def running_child(
    command: Sequence[str], environment: Mapping[str, str], *, has_pipes: bool = False
) -> Iterator[Child]:
    """A process that is stopped on leaving, with all that it started."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.PIPE if has_pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if has_pipes else log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Child(process, log)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
    finally:  # also where a second Ctrl-C ends the waiting
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
