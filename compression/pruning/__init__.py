"""Structured pruning and healing: what may be asked for, and how it fails.

The work itself is in `compression.pruning.pruning` and `.healing`, which import torch.
"""

from compression.pruning.errors import (
    PruningError,
    UnusableCheckpoint,
    UnusableRecipe,
    UnusableSamples,
    UnusableState,
)
from compression.pruning.recipe import Heal, Prune

__all__ = [
    "Heal",
    "Prune",
    "PruningError",
    "UnusableCheckpoint",
    "UnusableRecipe",
    "UnusableSamples",
    "UnusableState",
]
