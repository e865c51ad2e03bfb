"""How large what a recipe makes will be, and whether disk and memory hold out until then."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil

from compression.errors import UnusableInput
from compression.pruning.recipe import Heal, Prune
from compression.recipes import Recipe
from compression.staging import partial_bytes
from compression.steps import Step, weight_bits
from compression.weights import Weight

HEAL_STATE_BYTES = 12
"""Of a parameter in the state to go on from: its value and AdamW's two moments in float32."""
HEAL_MEMORY_BYTES = 18
"""Of a parameter: the same, its gradient, and the original that it is healed by."""
SPARE = 1.1
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
CGROUP_USED = Path("/sys/fs/cgroup/memory.current")


def expected_bytes(weights: Sequence[Weight], recipe: Recipe) -> int:
    """The size in bytes of the weights that the recipe leaves.

    What pruning by explicit sizes removes is not known beforehand, and counts as nothing.
    """
    linear = sum(one.num_bytes for one in weights if one.is_linear)
    parameters = sum(one.num_parameters for one in weights if one.is_linear)
    whole = sum(one.num_bytes for one in weights)
    rest = whole - linear
    for step in recipe.steps:
        bits = weight_bits(step)
        if isinstance(step, Prune):
            kept = max(0.0, linear - (step.fraction or 0) * whole) / linear if linear else 1.0
            linear, parameters = round(linear * kept), round(parameters * kept)
        elif bits is not None:
            linear = round(parameters * bits / 8)
    return linear + rest


def check_disk(out: Path, weights: Sequence[Weight], recipe: Recipe) -> None:
    """Check that the disk has room for `out`; what an earlier run has there already is counted.

    Raises:
        UnusableInput: it has too little left.
    """
    disk = _disk_bytes(weights, recipe) - partial_bytes(out)
    free = shutil.disk_usage(out.parent).free
    if free < disk:
        raise UnusableInput(
            f"--out {out}: needs about {_megabytes(disk)} MB of disk, has {_megabytes(free)} free"
        )


def check_memory(weights: Sequence[Weight], recipe: Recipe) -> None:
    """Check that the memory suffices for every step of the recipe.

    Raises:
        UnusableInput: too little is available.
    """
    memory = max(_memory_bytes(weights, step) for step in recipe.steps)
    available = available_memory()
    if available < memory:
        raise UnusableInput(
            f"memory: this recipe needs about {_megabytes(memory)} MB of it, "
            f"{_megabytes(available)} are available; --force to try"
        )


def available_memory() -> int:
    """Available bytes of the machine, or of what this container may use if that is less."""
    machine = int(psutil.virtual_memory().available)
    try:
        limit, used = int(CGROUP_LIMIT.read_text()), int(CGROUP_USED.read_text())
    except (OSError, ValueError):  # no container, or "max"
        return machine
    return min(machine, limit - used)


def _disk_bytes(weights: Sequence[Weight], recipe: Recipe) -> int:
    """Bytes of every step's outcome, none larger than the original, and of healing's state."""
    whole = sum(one.num_bytes for one in weights)
    parameters = sum(one.num_parameters for one in weights)
    state = 2 * HEAL_STATE_BYTES * parameters  # the new one is written beside the old one
    trained = [one for one in recipe.steps if isinstance(one, Heal) and one.lora_rank is None]
    return round(SPARE * (len(recipe.steps) * whole + len(trained) * state))


def _memory_bytes(weights: Sequence[Weight], step: Step) -> int:
    """What the weights take; text on its way through them comes on top."""
    whole = sum(one.num_bytes for one in weights)
    if isinstance(step, Heal) and step.lora_rank is None:
        return HEAL_MEMORY_BYTES * sum(one.num_parameters for one in weights)
    return round(SPARE * whole if isinstance(step, Prune) else 2 * whole)


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.0f}"
