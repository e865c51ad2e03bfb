"""Ray on this machine and Winnow's replicas on it, for as long as a benchmark needs them."""

import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psutil

from benchmarks.engine_process import engines_of_replicas
from measurement.child_process import ChildFailed, running_child
from measurement.machine import free_port
from measurement.serving import Serving

READY_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.5
NUM_ASKED = 12
OBJECT_STORE_BYTES = 80 * 2**20
REPLICA = "x-winnow-replica"
LAYERS = {
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "server.ray_serve.proxy_layer.layers",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
}

_open_directly = build_opener(ProxyHandler({})).open


@dataclass(frozen=True)
class Replicas:
    """`pid` is Ray's own process, whose descendants the replicas and their engines are."""

    url: str
    pid: int

    def kill_engine(self) -> None:
        """Kill the engine of one replica (SIGKILL).

        Raises:
            ChildFailed: there is none.
        """
        engines = engines_of_replicas(psutil.Process(self.pid))
        if not engines:
            raise ChildFailed("none of Ray's processes is an engine")
        engines[0].send_signal(signal.SIGKILL)

    def names(self) -> set[str]:
        """The names of the replicas that answer now."""
        found = set()
        for _ in range(NUM_ASKED):
            try:
                with _open_directly(f"{self.url}/v1/models", timeout=ANSWER_TIMEOUT_S) as reply:
                    found.add(reply.headers[REPLICA])
            except OSError:
                continue
        return found


@contextmanager
def running_replicas(serving: Serving, port: int, num_replicas: int) -> Iterator[Replicas]:
    """So many replicas that answer; Ray is stopped with them on leaving.

    Raises:
        ChildFailed: Ray or a replica did not start.
    """
    environment = {**serving.environment, **LAYERS, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    gcs = free_port()
    # Ray's sockets' names may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "application.json"  # which is YAML, too
        config.write_text(json.dumps(_application(serving, port, num_replicas)))
        program = Path(sys.executable)
        start = [str(program.with_name("ray")), "start", "--head", "--block", f"--port={gcs}"]
        start += [f"--temp-dir={folder}", f"--object-store-memory={OBJECT_STORE_BYTES}"]
        start += ["--include-dashboard=false", f"--ray-client-server-port={free_port()}"]
        start += [f"--num-cpus={max(num_replicas, os.cpu_count() or 1)}"]
        run = [str(program.with_name("serve")), "run", f"--address=127.0.0.1:{gcs}", str(config)]
        with running_child(start, environment) as ray:
            if not _wait(lambda: ray.process.poll() is None, lambda: _listens(gcs)):
                raise ray.failure("Ray did not start")
            replicas = Replicas(f"http://127.0.0.1:{port}", ray.process.pid)
            with running_child(run, environment) as serve:
                if not _wait(
                    lambda: serve.process.poll() is None,
                    lambda: len(replicas.names()) == num_replicas,
                ):
                    raise serve.failure("the replicas did not become ready")
                yield replicas


def _application(serving: Serving, port: int, num_replicas: int) -> dict[str, object]:
    options = {
        "model": serving.checkpoint,
        "flags": serving.arguments,
        "min_replicas": num_replicas,
        "max_replicas": num_replicas,
    }
    application = {
        "name": "winnow",
        "route_prefix": "/",
        "import_path": "server.ray_serve:build_app",
        "args": options,
    }
    http = {"host": "127.0.0.1", "port": port, "keep_alive_timeout_s": 75}
    return {"http_options": http, "applications": [application]}


def _wait(is_alive: Callable[[], bool], is_ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and is_alive():
        if is_ready():
            return True
        time.sleep(POLL_S)
    return False


def _listens(port: int) -> bool:
    return any(
        one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN
        for one in psutil.net_connections("tcp")
    )
