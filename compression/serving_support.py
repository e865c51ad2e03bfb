"""What this vLLM runs where: known before the work that it would be wasted on.

The limits are those of vLLM 0.32: `get_min_capability` of its compressed-tensors schemes on GPUs,
and what its CPU build was seen to load.
"""

import platform
from dataclasses import dataclass

from compression.pruning.recipe import Heal, Prune
from compression.recipes import Recipe
from compression.steps import (
    NVFP4,
    FP8Dynamic,
    KVCache,
    Sparsify,
    ToolStep,
)


@dataclass(frozen=True)
class Hardware:
    """Where vLLM runs: `capability` is that of an NVIDIA GPU, None of a CPU. `has_avx512` is of x86
    processors; others have vectors of their own."""

    capability: tuple[int, int] | None
    has_avx512: bool = True

    def __str__(self) -> str:
        if self.capability is None:
            return "a CPU"
        return f"an NVIDIA GPU of compute capability {_dotted(self.capability)}"


@dataclass(frozen=True)
class Support:
    """Where vLLM serves a step's outcome: `cpu` is why it does not on CPUs, `needs_avx512` whether
    it does only on some; `least` and `before` are the least compute capability that does and the
    first that no longer does, None of a bound that is not there."""

    cpu: str | None = None
    needs_avx512: bool = False
    least: tuple[int, int] | None = None
    before: tuple[int, int] | None = None

    def refusal(self, hardware: Hardware) -> str | None:
        if hardware.capability is None:
            if self.needs_avx512 and not hardware.has_avx512:
                return "vLLM's kernel for it needs AVX-512, which this one lacks"
            return self.cpu
        if self.least is not None and hardware.capability < self.least:
            return f"vLLM needs compute capability {_dotted(self.least)} or more"
        if self.before is not None and hardware.capability >= self.before:
            return f"vLLM needs a compute capability below {_dotted(self.before)}"
        return None

    def __str__(self) -> str:
        gpus = "GPU" if self.least is None else f"GPU from {_dotted(self.least)}"
        if self.before is not None:
            gpus += f" to below {_dotted(self.before)}"
        if self.cpu is not None:
            return gpus
        return f"CPU with AVX-512, {gpus}" if self.needs_avx512 else f"CPU, {gpus}"


def support_of(step: ToolStep | Prune | Heal) -> Support:
    if isinstance(step, Prune | Heal | Sparsify):
        return Support()
    if isinstance(step, FP8Dynamic):
        slow = "vLLM's CPU build loads it, but only emulates it, far slower than 16 bits"
        return Support(cpu=slow, least=(7, 5))  # below 8.9 with the weights alone in FP8
    if isinstance(step, NVFP4):
        return Support(cpu="vLLM's CPU build has no kernel for it", least=(7, 5))
    if isinstance(step, KVCache):
        return Support(needs_avx512=True, least=(8, 9))
    if step.kind == "w8a8":
        return Support(least=(7, 5), before=(10, 0))
    return Support(needs_avx512=True, least=(7, 5))


def support_of_recipe(recipe: Recipe) -> Support:
    """The support of the last step: no other may change how weights are stored."""
    return support_of(recipe.steps[-1])


def refusal(recipe: Recipe, hardware: Hardware) -> str | None:
    """Why vLLM would not serve the outcome here; None where it would."""
    for step in recipe.steps:
        reason = support_of(step).refusal(hardware)
        if reason is not None:
            return f"{step.kind} cannot be served on {hardware}: {reason}"
    return None


def hardware_here() -> Hardware:
    import torch  # takes a second, which a command that refuses earlier need not

    if not torch.cuda.is_available():
        is_x86 = platform.machine() == "x86_64"
        vectors = torch.backends.cpu.get_cpu_capability()
        return Hardware(None, has_avx512=not is_x86 or "AVX512" in vectors)
    major, minor = torch.cuda.get_device_capability()
    return Hardware((major, minor))


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
