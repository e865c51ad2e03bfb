"""A quick end of every process of vLLM's. Loaded in each as an entry point of the group
`vllm.general_plugins`.

The system frees what a process holds when it ends. Before that vLLM and the interpreter search all
of it for cycles, five times: 700,000 objects of PyTorch's, transformers' and vLLM's modules, which
takes 6 s of a processor's time, more than the 10 s of `docker stop` where it is shared. Objects
that are frozen (`gc.freeze`) are not searched.
"""

import atexit
import gc

from vllm.v1.engine.core import EngineCore, EngineCoreProc


def end_quickly() -> None:
    """Skip the searches at the end of this process, and in the engine's process those before."""
    atexit.register(gc.freeze)
    EngineCoreProc.shutdown = _shut_down_frozen  # vLLM has no hook


def _shut_down_frozen(engine: EngineCore) -> None:
    """Shut an engine down whose process ends with it."""
    gc.freeze()
    # vLLM unfreezes for engines that live in their caller's process, which goes on.
    gc.unfreeze = _leave_frozen
    EngineCore.shutdown(engine)  # type: ignore[no-untyped-call]  # vLLM leaves it untyped


def _leave_frozen() -> None:
    pass
