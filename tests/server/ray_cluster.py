"""Ray on this machine with the shipped application on it, as an operator would start both."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import pytest
import yaml

from benchmarks.engine_process import engines_of_replicas
from measurement.machine import free_port
from server.ray_serve.application import CALLBACK, LAYERS
from tests.server.server_process import wait_until

BIN = Path(sys.executable).parent
CONFIG = Path(__file__).parents[2] / "docker/ray/winnow.yaml"
OBJECT_STORE_BYTES = 80 * 2**20
START_TIMEOUT_S = 400.0
STOP_TIMEOUT_S = 5.0
REPLICA = "x-winnow-replica"


@dataclass(frozen=True)
class Cluster:
    url: str
    ray: psutil.Process

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def engines(self) -> list[psutil.Process]:
        """The engines' processes, of the replicas that have one by now."""
        return engines_of_replicas(self.ray)

    def replicas(self, http: httpx.Client, num_asked: int = 20) -> set[str]:
        """The names of those that answer."""
        replies = [http.get("/v1/models") for _ in range(num_asked)]
        return {reply.headers[REPLICA] for reply in replies if REPLICA in reply.headers}


@contextmanager
def running_cluster(log: Path, options: Mapping[str, float]) -> Iterator[Cluster]:
    """The application of `docker/ray/winnow.yaml` with these options changed, once the replicas
    are up that it has at least."""
    port = free_port()
    config = yaml.safe_load(CONFIG.read_text())
    config["http_options"] |= {"host": "127.0.0.1", "port": port}
    config["applications"][0]["args"] |= options
    environment = {
        "WINNOW_STORE": str(log.with_suffix(".sqlite3")),
        **os.environ,
        CALLBACK: LAYERS,
        "RAY_USAGE_STATS_ENABLED": "0",
        # Whoever may speak to Ray may run code: nobody else on this machine is to.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    gcs = free_port()
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        # Its sockets' names may have 107 characters, and pytest's folders take most of them.
        folder = stack.enter_context(TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True))
        application = Path(folder) / "application.yaml"
        application.write_text(yaml.safe_dump(config))
        commands = (
            [
                *("ray", "start", "--head", "--block", f"--port={gcs}", f"--temp-dir={folder}"),
                *("--num-cpus=4", f"--object-store-memory={OBJECT_STORE_BYTES}"),
                *("--include-dashboard=false", f"--ray-client-server-port={free_port()}"),
            ],
            ["serve", "run", f"--address=127.0.0.1:{gcs}", str(application)],
        )
        ray = stack.enter_context(_running(commands[0], output, environment))
        wait_until(lambda: _listens(gcs), START_TIMEOUT_S, "Ray started")
        serve = stack.enter_context(_running(commands[1], output, environment))
        cluster = Cluster(f"http://127.0.0.1:{port}", psutil.Process(ray.pid))

        def are_up() -> bool:
            if serve.poll() is not None:
                pytest.fail(f"serve run exited\n{log.read_text(errors='replace')[-3000:]}")
            with cluster.http() as http:
                try:
                    if options["min_replicas"] == 0:  # asked, one would be started
                        return http.get("/-/routes").json() == {"/": "winnow"}
                    return len(cluster.replicas(http)) == options["min_replicas"]
                except httpx.TransportError:
                    return False

        wait_until(are_up, START_TIMEOUT_S, "up")
        yield cluster


@contextmanager
def _running(
    command: list[str], output: Any, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:  # Any: a binary file
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        for one in psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]:
            one.kill()
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    me = psutil.net_connections("tcp")
    return any(one.laddr and one.laddr.port == port and one.status == "LISTEN" for one in me)
