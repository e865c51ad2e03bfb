"""Processes that a benchmark starts and stops, with all that they start in turn."""

import os
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


class ChildFailed(Exception):
    """The message holds the end of the child's log."""


@dataclass(frozen=True)
class Child:
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def said(self) -> str:
        """Its log so far."""
        text = os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0)
        return text.decode(errors="replace")

    def failure(self, what: str) -> ChildFailed:
        lines = self.said().splitlines()
        return ChildFailed("\n".join([f"{what}; the end of its log:", *lines[-NUM_SHOWN_LINES:]]))


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
