"""What every process of a benchmark is given: the checkpoint, the flags, the environment.

All is passed explicitly, to ours and to the peers alike, so that no side profits from a default.
The values are those that `winnow serve` would add by itself, but for the one that names code of
Winnow's own (`--worker-cls`): that is part of what is measured.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import gettempdir

from measurement.machine import is_cpu_build

POCKET = "pocket"
FEW_CORES = 4

ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
    "VLLM_V1_OUTPUT_PROC_CHUNK_SIZE": "16",
    # What the benchmark asks is not kept among the replies to users.
    "WINNOW_STORE": str(Path(gettempdir()) / f"winnow-loadtest-{os.getpid()}.sqlite3"),
}
CPU_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "TORCHDYNAMO_DISABLE": "1"}
SMALL_CPU_ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
FLAGS: Mapping[str, str | None] = {
    "--max-logprobs": "64",
    "--shutdown-timeout": "30",
    "--max-num-queued-reqs": "8192",
    "--allowed-media-domains": "media-urls-are-off.invalid",
}
CPU_FLAGS: Mapping[str, str | None] = {"--block-size": "32", "--enforce-eager": None}


@dataclass(frozen=True)
class Serving:
    """One checkpoint and how it is run. `flags` have a value of None where they take none."""

    checkpoint: str
    model: str
    flags: Mapping[str, str | None]
    environment: Mapping[str, str]

    @property
    def arguments(self) -> list[str]:
        """The flags as a command line has them, after the checkpoint."""
        flags = {**self.flags, "--served-model-name": self.model}
        return [part for pair in flags.items() for part in pair if part is not None]


def serving(checkpoint: str, *, is_cpu: bool, num_cores: int) -> Serving:
    """`pocket` is the bundled checkpoint; a variable that the user set stays as it is.

    VLLM_PLUGINS is left out: it would switch Winnow on in its peer, or another plugin off.
    """
    folder = str(files(POCKET) / "checkpoint") if checkpoint == POCKET else checkpoint
    environment = dict(ENVIRONMENT)
    if is_cpu:
        environment |= CPU_ENVIRONMENT
        if num_cores <= FEW_CORES:
            environment |= SMALL_CPU_ENVIRONMENT
    return Serving(
        checkpoint=folder,
        model=Path(folder).name if checkpoint != POCKET else POCKET,
        flags={**FLAGS, **CPU_FLAGS} if is_cpu else FLAGS,
        environment={
            name: value
            for name, value in (environment | dict(os.environ)).items()
            if name != "VLLM_PLUGINS"
        },
    )


def serving_here(checkpoint: str) -> Serving:
    """How to serve the checkpoint on this machine, with the installed build of vLLM."""
    return serving(checkpoint, is_cpu=is_cpu_build(), num_cores=os.cpu_count() or 1)
