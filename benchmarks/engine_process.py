"""Which processes are engines. They are told by where they stand: vLLM names them by a library
that it does without where there is none, and not before they run."""

from collections.abc import Iterator

import psutil

TRACKER = "multiprocessing.resource_tracker"
NODE = "raylet"
"""Ray's own program on each machine. Its children are Ray's actors, replicas among them."""


def engines_of(server: psutil.Process) -> list[psutil.Process]:
    """What a server has started, but for Python's tracker of shared memory.

    vLLM's AsyncLLM has its engine in another process, whatever VLLM_ENABLE_V1_MULTIPROCESSING says.
    """
    return [child for child in _living(server) if TRACKER not in " ".join(_command(child))]


def engines_of_replicas(ray: psutil.Process) -> list[psutil.Process]:
    """Those of all replicas on this machine that have one by now."""
    nodes = [one for one in _living(ray, with_theirs=True) if _name(one) == NODE]
    return [engine for node in nodes for actor in _living(node) for engine in engines_of(actor)]


def _living(parent: psutil.Process, *, with_theirs: bool = False) -> Iterator[psutil.Process]:
    try:
        children = parent.children(recursive=with_theirs)
    except psutil.NoSuchProcess:
        return
    for child in children:
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                yield child
        except psutil.NoSuchProcess:
            continue


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie, too
        return [TRACKER]
