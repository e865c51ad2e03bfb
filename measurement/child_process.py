"""Processes that end with what has started them, and with all that they start in turn."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STOP_TIMEOUT_S = 60.0
NUM_SHOWN_LINES = 15
_REASON = re.compile(r"(?:\w+(?:Error|Exception|Exit)|error): (?P<reason>\S.*)$", re.IGNORECASE)
_NO_REASON = ("Engine core initialization failed", "Worker failed with error")
"""vLLM's ways of saying that the reason stands above."""


class ChildFailed(Exception):
    """The message holds the end of the child's log."""


@dataclass(frozen=True)
class Child:
    """`log` holds what it wrote, but for stdout where that is a pipe."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def said(self) -> str:
        """Its log so far."""
        text = os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0)
        return text.decode(errors="replace")

    def wait(self) -> None:
        """Give a process that closed its pipes the time to write why, and to end."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT_S)

    def reason(self) -> str:
        """The last error that its log tells, in one line."""
        return last_reason(self.said())

    def failure(self, what: str) -> ChildFailed:
        lines = self.said().splitlines()
        return ChildFailed("\n".join([f"{what}; the end of its log:", *lines[-NUM_SHOWN_LINES:]]))


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
    """A process that is stopped on leaving. What it writes goes to its log; with `has_pipes` only
    its stderr does, and stdin and stdout are ours."""
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
        # The session's process group: whatever it started and left behind.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def cpu_seconds(pid: int) -> float | None:
    """The processor time of a process and its descendants so far; None where /proc is not."""
    folder = Path("/proc") / str(pid)
    try:
        # The command's name, in parentheses, may hold spaces; utime and stime are fields 14, 15.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for task in (folder / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(child) or 0.0 for child in children)
