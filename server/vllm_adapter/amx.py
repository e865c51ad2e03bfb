"""Permission to use AMX tiles, which vLLM's CPU attention needs and does not ask for.

Linux lets a process use AMX only once it has asked (arch_prctl ARCH_REQ_XCOMP_PERM). PyTorch asks
when its own kernels first want AMX; vLLM 0.32's attention kernel may run before that, and the
engine then dies of an illegal instruction at its first token. Loaded by vLLM in every process as
an entry point of the group `vllm.general_plugins`.
"""

import torch


def request_amx() -> None:
    """Ask for AMX where the processor has it; elsewhere do nothing."""
    if torch.cpu._is_amx_tile_supported():
        torch.cpu._init_amx()
