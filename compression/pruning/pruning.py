"""Prunes a checkpoint: layers first, then channels and groups one layer at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from compression.progress import Tell
from compression.pruning.checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from compression.pruning.cutting import (
    group_columns,
    keep_channels,
    keep_groups,
    keep_layers,
    write_shape,
)
from compression.pruning.hidden_states import BatchStates, advance, enter
from compression.pruning.importance import (
    channel_importances,
    group_importances,
    largest,
    most_influential,
)
from compression.pruning.recipe import Prune
from compression.pruning.refit import Gram, refitted, relative_error
from compression.pruning.shape import Shape, target_shape
from compression.pruning.token_batches import Batch, by_length, draw_rows, tokenize


@dataclass(frozen=True)
class CutLayer:
    """A layer that was kept, by its place in the original.

    The errors say what share of its attention's and its FFN's output, in mean square over the
    calibration tokens, was lost to the cut, after the refit if any.
    """

    place: int
    attention_error: float = 0.0
    ffn_error: float = 0.0


@dataclass(frozen=True)
class Pruned:
    """What became of a checkpoint."""

    before: Shape
    after: Shape
    num_parameters_before: int
    num_parameters: int
    layers: tuple[CutLayer, ...]

    @property
    def fraction(self) -> float:
        """The share of parameters that were removed."""
        return 1 - self.num_parameters / self.num_parameters_before

    def __str__(self) -> str:
        before, after = self.before, self.after
        return (
            f"{self.fraction:.1%} of the parameters removed: {after.num_layers} of "
            f"{before.num_layers} layers, {after.ffn_width} of {before.ffn_width} FFN channels, "
            f"{after.num_kv_groups} of {before.num_kv_groups} key-value groups kept"
        )


def prune(source: Path, out: Path, recipe: Prune, samples: Sequence[str], tell: Tell) -> Pruned:
    """Write the pruned checkpoint into `out`, a fresh folder. `samples` are rendered texts.

    The same recipe and samples give the same weights.

    Raises:
        PruningError: the checkpoint, the recipe or the samples cannot be used.
    """
    checkpoint = open_checkpoint(source)
    before, num_parameters = checkpoint.shape, checkpoint.num_parameters
    after = target_shape(recipe, before, checkpoint.sizes, checkpoint.allowed_groups)
    rows = tokenize(samples, checkpoint.tokenizer, recipe.sequence_length)
    batches = by_length(draw_rows(rows, recipe.num_samples, recipe.seed), recipe.batch_size)
    total = before.num_layers + 1  # each layer is removed or cut; writing
    done = count()

    def told() -> None:
        tell(next(done), total, "pruning")

    layers = _cut(checkpoint, batches, after, recipe, told)
    told()
    save_checkpoint(checkpoint, out)
    pruned = Pruned(before, after, num_parameters, checkpoint.num_parameters, layers)
    tell(total, total, "pruning")
    return pruned


def _cut(
    checkpoint: Checkpoint,
    batches: Sequence[Batch],
    after: Shape,
    recipe: Prune,
    told: Callable[[], None],
) -> tuple[CutLayer, ...]:
    """Cut the model in memory; `told` of each layer beforehand."""
    before = checkpoint.shape
    head_dim = checkpoint.layers[0].self_attn.head_dim
    states: Sequence[BatchStates] = enter(checkpoint.model, batches)
    places = most_influential(checkpoint.layers, states, after.num_layers, told)
    keep_layers(checkpoint.model, places)
    layers: list[CutLayer] = []
    for place, layer in zip(places, checkpoint.layers, strict=True):
        told()
        cut, states = _cut_layer(CutLayer(place), layer, states, before, after, recipe)
        layers.append(cut)
    write_shape(checkpoint.config, after, head_dim)
    return tuple(layers)


@torch.no_grad()
def _cut_layer(
    cut: CutLayer,
    layer: Any,
    states: Sequence[BatchStates],
    before: Shape,
    after: Shape,
    recipe: Prune,
) -> tuple[CutLayer, Sequence[BatchStates]]:
    """What was lost, and the states behind the layer as it was before.

    `layer` is Any: see Checkpoint.
    """
    o_proj, down_proj = layer.self_attn.o_proj, layer.mlp.down_proj
    readers = [o_proj] if after.num_kv_groups < before.num_kv_groups else []
    readers += [down_proj] if after.ffn_width < before.ffn_width else []
    if not readers:
        return cut, states
    gram = Gram()
    behind = advance(layer, states, readers, gram.observe)
    if o_proj in readers:
        worth = group_importances(o_proj.weight, gram.of(o_proj), before.num_kv_groups)
        groups = largest(worth, after.num_kv_groups)
        columns = group_columns(groups, before.num_kv_groups, o_proj.in_features)
        weight, error = _reading(o_proj, gram.of(o_proj), columns, recipe)
        keep_groups(layer.self_attn, groups, before.num_kv_groups, weight)
        cut = replace(cut, attention_error=error)
    if down_proj in readers:
        worth = channel_importances(down_proj.weight, gram.of(down_proj))
        channels = largest(worth, after.ffn_width)
        weight, error = _reading(down_proj, gram.of(down_proj), channels, recipe)
        keep_channels(layer.mlp, channels, weight)
        cut = replace(cut, ffn_error=error)
    return cut, behind


def _reading(linear: nn.Linear, gram: Tensor, kept: Tensor, recipe: Prune) -> tuple[Tensor, float]:
    """The weight that reads the kept inputs, and the share of the output that it misses."""
    old = linear.weight
    new = refitted(old, gram, kept, recipe.ridge) if recipe.refit else old[:, kept]
    return new, relative_error(old, gram, kept, new)
