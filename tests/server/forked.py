"""Servers of the tests, forked off a process that has imported vLLM.

That import takes ten to twenty seconds, in the server and once more in its engine's process: most
of the time of all tests. Python's fork server does it once for each process of tests. From there
on a server runs as one from the command line does, with its own arguments, environment and log.
"""

import atexit
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

PRELOADED = "tests.server.preloaded"
READ_AT_IMPORT = ("OMP_", "MKL_", "TORCH", "VLLM_", "PROMETHEUS_", "PYTHON", "HF_", "CUDA_")
"""Variables that modules read when they are imported: such a server starts from nothing."""
READ_LATER = ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_ENABLE_RESPONSES_API_STORE")
_python_path = os.environ.get("PYTHONPATH")


def can_fork(changes: Mapping[str, str]) -> bool:
    """Whether a server can be forked in this process's environment with these changes."""
    is_same_path = os.environ.get("PYTHONPATH") == _python_path
    return is_same_path and not any(
        name.startswith(READ_AT_IMPORT) and name not in READ_LATER for name in changes
    )


def forked(
    environment: Mapping[str, str], target: Callable[..., None], *arguments: Any, **keywords: Any
) -> ForkServerProcess:
    """A process of `target`, not started yet, with all modules in it and these variables."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    arguments = (dict(environment), target, *arguments)
    return context.Process(target=_in_environment, args=arguments, kwargs=keywords)


def _in_environment(
    environment: Mapping[str, str], target: Callable[..., None], *arguments: Any, **keywords: Any
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments, **keywords)


class EngineContext:
    """What vLLM starts its engines' processes with, where its caller has threads."""

    def Process(self, target: Callable[..., None], name: str, kwargs: Any) -> ForkServerProcess:
        process = forked(os.environ, target, **kwargs)
        process.name = name
        return process


class ForkedProcess:
    """What `subprocess.Popen` offers, of a forked `winnow`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        log.write_bytes(b"")
        self._arguments = arguments
        self._process = forked(environment, _run, tuple(arguments), str(log))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0)
        return self._process.exitcode


def _run(arguments: Sequence[str], log: str) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = list(arguments)
    _fork_engines()
    from winnow.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which processes of multiprocessing's skip


def _fork_engines() -> None:
    """Have vLLM fork its engines, too, which it spawns: they would import all again."""
    from vllm.v1.engine import coordinator, utils
    from vllm.v1.executor import multiproc_executor

    context = multiprocessing.get_context("fork")
    for module in (utils, coordinator, multiproc_executor):
        module.get_mp_context = lambda: context
    os.register_at_fork(after_in_child=_leave_the_servers_own)


def _leave_the_servers_own() -> None:
    """A signal to the engine is none to the server, and its end closes the server's port."""
    signal.set_wakeup_fd(-1)
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as one:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                os.close(int(name))
