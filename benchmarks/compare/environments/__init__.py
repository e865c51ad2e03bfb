"""Environments of their own for the peers: their pins differ from vLLM's.

Each is made when it is first needed, of the exact versions in the `.txt` beside this file. Where
pip is told of a folder with PyTorch's wheel, that one is taken; elsewhere uv chooses the build that
fits this machine.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import uv

from benchmarks.compare.failures import PeerFailed, last_reason
from measurement.child_process import running_child

Tool = Literal["optillm", "its_hub", "guidellm"]
READY = ".winnow-ready"
TORCH = "torch-2.13.0"


def requirements(tool: Tool) -> str:
    return (files(__name__) / f"{tool}.txt").read_text()


def version(tool: Tool) -> str:
    """The tool's own, as it is pinned."""
    name = tool.replace("_", "-")
    pins = dict(line.split("==") for line in requirements(tool).split())
    return pins[name]


@dataclass(frozen=True)
class Environments:
    """The environments in one folder."""

    root: Path

    def python(self, tool: Tool) -> Path:
        """The environment's Python, installed first if need be.

        Raises:
            PeerFailed: it could not be installed.
        """
        pins = hashlib.sha256(f"{sys.version} {requirements(tool)}".encode()).hexdigest()[:12]
        folder = self.root / f"{tool}-{pins}"
        python = folder / "bin" / "python"
        if not ((folder / READY).exists() and python.exists()):
            _install(tool, folder, python)
        return python


@contextmanager
def environments(kept: Path | None) -> Iterator[Environments]:
    """The peers' environments, kept in the folder `kept`, or else removed on leaving."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield Environments(kept.resolve())
        return
    with TemporaryDirectory(prefix="winnow-compare-") as folder:
        yield Environments(Path(folder))


def peer_environment(environment: Mapping[str, str], **changes: str) -> dict[str, str]:
    """The variables without those that would bring our packages or environment into the peer's."""
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in environment.items() if name not in ours} | changes


def _install(tool: Tool, folder: Path, python: Path) -> None:
    executable = uv.find_uv_bin()
    _run(tool, executable, "venv", "--clear", "--python", sys.executable, str(folder))
    pins = folder / "requirements.txt"
    pins.write_text(requirements(tool))
    source = _torch_source()
    _run(tool, executable, "pip", "install", "--python", str(python), *source, "-r", str(pins))
    (folder / READY).touch()


def _torch_source() -> list[str]:
    """uv does not read pip's configuration."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"],
        capture_output=True,
        text=True,
    )
    folders = sorted({*asked.stdout.split(), *os.environ.get("PIP_FIND_LINKS", "").split()})
    if not any(any(Path(folder).glob(f"{TORCH}*.whl")) for folder in folders):
        return ["--torch-backend", "auto"]
    return [part for folder in folders for part in ("--find-links", folder)]


def _run(tool: Tool, *command: str) -> None:
    with running_child(command, os.environ) as child:
        if child.process.wait():
            raise PeerFailed(f"cannot be installed: {last_reason(child.said())}")
