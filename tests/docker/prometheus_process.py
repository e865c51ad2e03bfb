"""A real Prometheus in a process of its own, and promtool."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from measurement.machine import free_port
from tests.server.server_process import wait_until

FETCHED = Path(sys.prefix, "prometheus", "usr", "bin")
"""Where `make test` puts Debian's package, which need not be installed."""
READY_WITHIN_S = 60.0
STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Prometheus:
    """One that is ready to be asked."""

    http: httpx.Client

    def query(self, expression: str) -> list[dict[str, Any]]:  # its JSON
        """The instant vector, now; fails where the expression does not parse or cannot be run."""
        reply = self.http.get("/api/v1/query", params={"query": expression}).json()
        assert reply["status"] == "success", f"{expression}: {reply['error']}"
        result: list[dict[str, Any]] = reply["data"]["result"]
        return result

    def rules(self) -> list[dict[str, Any]]:  # its JSON
        groups = self.http.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def binary(name: str) -> str:
    """`prometheus` or `promtool`; skips the test where there is none."""
    path = shutil.which(name, path=os.pathsep.join((os.environ["PATH"], str(FETCHED))))
    if path is None:
        pytest.skip(f"no {name} on PATH, nor where `make test` unpacks Debian's package")
    return path


@contextmanager
def running_prometheus(config: Path, storage: Path) -> Iterator[Prometheus]:
    url = f"127.0.0.1:{free_port()}"
    command = [
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={storage}",
        f"--web.listen-address={url}",
    ]
    log = storage.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://{url}", timeout=60) as http:

            def is_ready() -> bool:
                if process.poll() is not None:
                    pytest.fail(f"exited with {process.returncode}\n{log.read_text()}")
                try:
                    return http.get("/-/ready").status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            wait_until(is_ready, READY_WITHIN_S, "Prometheus is ready")
            yield Prometheus(http)
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
