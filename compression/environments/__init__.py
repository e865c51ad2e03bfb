"""Environments of their own for the tools that quantize: their pins differ from vLLM's.

Each is made when it is first needed, of the exact versions in the `.txt` beside this file, and
kept for the next time. Where pip is told of a folder with PyTorch's wheel, that one is taken;
elsewhere uv chooses the build that fits this machine.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import uv

from compression.errors import ToolFailed
from compression.progress import Tell
from compression.steps import Tool
from measurement.child_process import last_reason

VARIABLE = "WINNOW_COMPRESS_ENV"
READY = ".winnow-ready"
TORCH = "torch-2.13.0"


def requirements(tool: Tool) -> str:
    return (files(__name__) / f"{tool}.txt").read_text()


def tool_versions(tool: Tool) -> dict[str, str]:
    """The pinned version of each of the tool's packages."""
    return dict(line.split("==") for line in requirements(tool).split())


def environment_folder(tool: Tool, environment: Mapping[str, str]) -> Path:
    """Another one for other pins or another Python."""
    cache = environment.get("XDG_CACHE_HOME", "")
    cache = cache if os.path.isabs(cache) else "~/.cache"  # relative ones do not count, says XDG
    root = environment.get(VARIABLE) or os.path.join(cache, "winnow", "compress")
    pins = hashlib.sha256(f"{sys.version} {requirements(tool)}".encode()).hexdigest()[:12]
    return Path(root).expanduser() / f"{tool}-{pins}"


def prepared(tool: Tool, environment: Mapping[str, str], tell: Tell) -> Path:
    """The environment's Python, installed first if need be.

    Raises:
        ToolFailed: it could not be installed.
    """
    folder = environment_folder(tool, environment)
    python = folder / "bin" / "python"
    if (folder / READY).exists() and python.exists():
        return python
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(f"{folder.name}.lock")):
            if not ((folder / READY).exists() and python.exists()):
                tell(0, 1, f"setting up {tool}, once")
                _install(tool, folder, environment)
                tell(1, 1, f"setting up {tool}, once")
    except OSError as failure:
        raise ToolFailed(f"{tool} cannot be set up in {folder}: {failure}") from None
    return python


def _install(tool: Tool, folder: Path, environment: Mapping[str, str]) -> None:
    executable = uv.find_uv_bin()
    python = folder / "bin" / "python"
    pins = folder / "requirements.txt"
    _run(tool, environment, executable, "venv", "--clear", "--python", sys.executable, str(folder))
    pins.write_text(requirements(tool))
    _run(
        *(tool, environment, executable, "pip", "install", "--python", str(python)),
        *_torch_source(environment),
        *("-r", str(pins)),
    )
    (folder / READY).touch()


def _torch_source(environment: Mapping[str, str]) -> list[str]:
    """uv does not read pip's configuration."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"],
        env=dict(environment),
        capture_output=True,
        text=True,
    )
    folders = sorted({*asked.stdout.split(), *environment.get("PIP_FIND_LINKS", "").split()})
    if not any(any(Path(folder).glob(f"{TORCH}*.whl")) for folder in folders):
        return ["--torch-backend", "auto"]
    return [part for folder in folders for part in ("--find-links", folder)]


def _run(tool: Tool, environment: Mapping[str, str], *command: str) -> None:
    finished = subprocess.run(command, env=dict(environment), capture_output=True, text=True)
    if finished.returncode:
        raise ToolFailed(f"{tool} cannot be set up: {last_reason(finished.stderr)}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
