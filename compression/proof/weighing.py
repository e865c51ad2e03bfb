"""What a model's weights take in memory, seen from within vLLM's worker.

On CPU the kernels keep packed copies of the weights outside of PyTorch and drop the tensors, so
that adding these up would find next to nothing. What is told instead is how much memory the
process gives back when the model is let go.
"""

import ctypes
import gc
from pathlib import Path
from typing import Any


class Weighing:
    """Mixed into vLLM's worker by `--worker-extension-cls`."""

    model_runner: Any  # the worker's own, which differs by platform

    def freed_bytes(self) -> int:
        """Memory that came free with the model, which is gone then."""
        gc.unfreeze()  # vLLM froze all, and quantized layers are in cycles of references
        before = _anonymous_bytes()
        self.model_runner.model = None
        return before - _anonymous_bytes()

    def loaded_bytes(self) -> int:
        """Memory of the accelerator that loading took, as vLLM measured it."""
        return int(self.model_runner.model_memory_usage)


def _anonymous_bytes() -> int:
    """Bytes that this process holds, without mapped files and memory that is free already."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # glibc keeps what was freed for later
    rollup = Path("/proc/self/smaps_rollup").read_text().splitlines()
    (line,) = [one for one in rollup if one.startswith("Anonymous:")]
    return int(line.split()[1]) * 1024
