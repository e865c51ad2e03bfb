"""GPUs by the figures of their data sheets.

Memory and bandwidth are the makers' decimal units, so memory is on the cautious side of what
drivers show. Floating point is dense bfloat16 with float32 accumulation: where a data sheet prints
the figure with sparsity, half of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GB = 1e9
TFLOP = 1e12


@dataclass(frozen=True)
class Gpu:
    memory_gb: float
    bandwidth_gb_per_s: float
    tflops: float
    max_num_seqs: int
    max_num_batched_tokens: int
    """These two are vLLM 0.32's defaults for a server on it."""
    source: str

    @property
    def memory_bytes(self) -> float:
        return self.memory_gb * GB

    @property
    def bandwidth(self) -> float:
        return self.bandwidth_gb_per_s * GB

    @property
    def flops(self) -> float:
        return self.tflops * TFLOP


GPUS: Mapping[str, Gpu] = {
    "L4": Gpu(24, 300, 121, 256, 2048, "NVIDIA L4 Tensor Core GPU data sheet"),
    "A10": Gpu(24, 600, 125, 256, 2048, "NVIDIA A10 Tensor Core GPU data sheet"),
    "A100-40": Gpu(40, 1555, 312, 256, 2048, "NVIDIA A100 data sheet, 40 GB"),
    "A100-80": Gpu(80, 2039, 312, 256, 2048, "NVIDIA A100 data sheet, 80 GB SXM"),
    "L40S": Gpu(48, 864, 362, 256, 2048, "NVIDIA L40S data sheet"),
    "H100": Gpu(80, 3350, 989, 1024, 8192, "NVIDIA H100 data sheet, SXM"),
    "H200": Gpu(141, 4800, 989, 1024, 8192, "NVIDIA H200 data sheet, SXM"),
    "B200": Gpu(180, 8000, 2250, 1024, 16384, "NVIDIA HGX B200 data sheet, one of eight"),
    "RTX-4090": Gpu(24, 1008, 165, 256, 2048, "NVIDIA Ada GPU architecture white paper"),
}
