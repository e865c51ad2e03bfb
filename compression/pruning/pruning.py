"""Prunes a checkpoint: layers first, then channels and groups one layer at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch

from compression.pruning.checkpoint import open_checkpoint, save_checkpoint
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
from compression.pruning.progress import Tell
from compression.pruning.recipe import Prune
from compression.pruning.refit import Gram, refitted, relative_error
from compression.pruning.shape import Shape, target_shape
from compression.pruning.token_batches import by_length, draw_rows, tokenize


@dataclass(frozen=True)
class Pruned:
    """What became of a checkpoint.

    `kept_layers` are places in the original. `attention_errors` and `ffn_errors` say for each kept
    layer what share of its output's mean square was lost to the cut, after the refit if any.
    """

    before: Shape
    after: Shape
    num_parameters_before: int
    num_parameters: int
    kept_layers: tuple[int, ...]
    attention_errors: tuple[float, ...]
    ffn_errors: tuple[float, ...]

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
    before, size_before = checkpoint.shape, checkpoint.num_parameters
    after = target_shape(recipe, before, checkpoint.sizes, checkpoint.allowed_groups)
    rows = tokenize(samples, checkpoint.tokenizer, recipe.sequence_length)
    batches = by_length(draw_rows(rows, recipe.num_samples, recipe.seed), recipe.batch_size)
    states = enter(checkpoint.model, batches)
    num_removed = before.num_layers - after.num_layers
    steps = count()
    total = num_removed + after.num_layers + 1

    def removing() -> None:
        tell(next(steps), total, "removing layers")

    kept = most_influential(checkpoint.layers, states, after.num_layers, removing)
    keep_layers(checkpoint.model, kept)
    head_dim = checkpoint.layers[0].self_attn.head_dim
    errors: list[tuple[float, float]] = []
    for layer in checkpoint.layers:
        tell(next(steps), total, "cutting layers")
        attention_error, ffn_error, states = _cut_layer(layer, states, before, after, recipe)
        errors.append((attention_error, ffn_error))
    write_shape(checkpoint.config, after, head_dim)

    tell(next(steps), total, "writing")
    save_checkpoint(checkpoint, out)
    attention_errors, ffn_errors = zip(*errors, strict=True)
    pruned = Pruned(
        before,
        after,
        size_before,
        checkpoint.num_parameters,
        tuple(kept),
        attention_errors,
        ffn_errors,
    )
    tell(total, total, str(pruned))
    return pruned


@torch.no_grad()
def _cut_layer(
    layer: Any, states: Sequence[BatchStates], before: Shape, after: Shape, recipe: Prune
) -> tuple[float, float, list[BatchStates]]:
    """The errors of attention and FFN, and the states behind the layer as it was.

    `layer` is Any: see Checkpoint.
    """
    o_proj, down_proj = layer.self_attn.o_proj, layer.mlp.down_proj
    gram = Gram()
    behind = advance(layer, states, (o_proj, down_proj), gram.observe)
    attention_error = ffn_error = 0.0
    if after.num_kv_groups < before.num_kv_groups:
        of_heads = gram.of(o_proj)
        worth = group_importances(o_proj.weight, of_heads, before.num_kv_groups)
        groups = largest(worth, after.num_kv_groups)
        columns = group_columns(groups, before.num_kv_groups, o_proj.in_features)
        weight, attention_error = _reading(o_proj, of_heads, columns, recipe)
        keep_groups(layer.self_attn, groups, before.num_kv_groups, weight)
    if after.ffn_width < before.ffn_width:
        of_channels = gram.of(down_proj)
        channels = largest(channel_importances(down_proj.weight, of_channels), after.ffn_width)
        weight, ffn_error = _reading(down_proj, of_channels, channels, recipe)
        keep_channels(layer.mlp, channels, weight)
    return attention_error, ffn_error, behind


def _reading(
    linear: torch.nn.Linear, gram: torch.Tensor, kept: torch.Tensor, recipe: Prune
) -> tuple[torch.Tensor, float]:
    """The weight that reads the kept inputs, and the share of the output that it misses."""
    old = linear.weight
    new = refitted(old, gram, kept, recipe.ridge) if recipe.refit else old[:, kept]
    return new, relative_error(old, gram, kept, new)
