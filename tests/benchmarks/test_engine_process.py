"""An engine is found whatever it calls itself."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from benchmarks.engine_process import engines_of
from tests.server.server_process import wait_until

# As a server starts its engine: spawned, with Python's tracker beside it and a child below.
SERVER = """
import multiprocessing, multiprocessing.resource_tracker, subprocess, sys, time

def engine():
    subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    print(multiprocessing.current_process().pid, flush=True)
    time.sleep(60)

if __name__ == "__main__":
    one = multiprocessing.get_context("METHOD").Process(target=engine, daemon=True)
    multiprocessing.resource_tracker.ensure_running()
    one.start()
    input()
"""


@pytest.fixture(params=["spawn", "fork"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path_factory.mktemp("server") / "server.py"
    script.write_text(SERVER.replace("METHOD", request.param))
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        for one in psutil.Process(process.pid).children(recursive=True):
            one.kill()
        process.kill()


def test_engine_is_found_without_a_name(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    process = psutil.Process(server.pid)
    assert len(process.children(recursive=True)) == 3
    assert [one.pid for one in engines_of(process)] == [pid]
    psutil.Process(pid).kill()
    # The server does not wait for it, so that it stays in the table of processes.
    wait_until(lambda: engines_of(process) == [], 10, "without an engine")
    assert psutil.pid_exists(pid)
