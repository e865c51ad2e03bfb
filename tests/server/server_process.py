"""A real `winnow serve` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from measurement.machine import free_port
from tests.server.forked import ForkedProcess, can_fork

START_TIMEOUT_S = 400.0
STOP_TIMEOUT_S = 60.0
EXIT_USAGE = 2
POLL_S = 0.05
NO_CHANGES: Mapping[str, str] = MappingProxyType({})
WINNOW = Path(sys.executable).with_name("winnow")


@dataclass(frozen=True)
class ServerProcess:
    """A server that has answered /health. `log` holds its stdout and stderr."""

    process: subprocess.Popen[bytes] | ForkedProcess
    url: str
    log: Path

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code.

        Raises:
            subprocess.TimeoutExpired: it is still running after STOP_TIMEOUT_S.
        """
        return self.process.wait(STOP_TIMEOUT_S)


@contextmanager
def running_server(
    model: str,
    log: Path,
    *flags: str,
    environment: Mapping[str, str] = NO_CHANGES,
    port: int | None = None,
    is_forked: bool = True,
) -> Iterator[ServerProcess]:
    """Serve a checkpoint until the block ends; fails with the log when it does not start.

    Without `is_forked` it is started as an operator would, which takes ten times as long.
    """
    port = port or free_port()
    command = [str(WINNOW), "serve", model, "--host", "127.0.0.1", "--port", str(port), *flags]
    whole = {"WINNOW_STORE": str(log.with_suffix(".sqlite3")), **os.environ, **environment}
    process = _started(command, whole, log, is_forked=is_forked and can_fork(environment))
    server = ServerProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait_for_health(server)
        yield server
    finally:
        _stop(process)


def refused_start(log: Path, *arguments: str, environment: Mapping[str, str] = NO_CHANGES) -> str:
    """The one line of a `winnow serve` that ends with exit code 2 before it serves."""
    command = [str(WINNOW), "serve", *arguments]
    process = ForkedProcess(command, {**os.environ, **environment}, log)
    try:
        assert process.wait(START_TIMEOUT_S) == EXIT_USAGE, _tail(log)
    finally:
        _stop(process)
    said = log.read_text(errors="replace")
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("winnow: error: ")]
    return line


def _started(
    command: list[str], environment: Mapping[str, str], log: Path, *, is_forked: bool
) -> subprocess.Popen[bytes] | ForkedProcess:
    if is_forked:
        return ForkedProcess(command, environment, log)
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )


def wait_until(holds: Callable[[], bool], timeout_s: float, what: str) -> float:
    """How long it took until the condition held, in seconds; fails the test after the timeout."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > timeout_s:
            pytest.fail(f"after {timeout_s} s: not {what}")
        time.sleep(POLL_S)
    return time.monotonic() - began


def num_requests(http: httpx.Client) -> float:
    """Paths that the engine runs or has queued, by vLLM's own metrics."""
    return _metrics(http, "vllm:num_requests_running{", "vllm:num_requests_waiting{")


def num_generated_tokens(http: httpx.Client) -> float:
    """Tokens that the engine has generated since it started, by vLLM's own metrics."""
    return _metrics(http, "vllm:generation_tokens_total{")


def _metrics(http: httpx.Client, *names: str) -> float:
    lines = http.get("/metrics").text.splitlines()
    values = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(names)]
    assert len(values) == len(names), "vLLM renamed its metrics"
    return sum(values)


def _wait_for_health(server: ServerProcess) -> None:
    def is_healthy() -> bool:
        if server.process.poll() is not None:
            pytest.fail(f"exited with {server.process.returncode}\n{_tail(server.log)}")
        try:
            return httpx.get(f"{server.url}/health", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    wait_until(is_healthy, START_TIMEOUT_S, f"healthy\n{_tail(server.log)}")


def _stop(process: subprocess.Popen[bytes] | ForkedProcess) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _tail(log: Path, num_lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-num_lines:])
