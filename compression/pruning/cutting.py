"""Removing layers, channels and key-value groups from a model in memory."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from compression.pruning.shape import Shape


def keep_layers(model: Any, kept: Collection[int]) -> None:
    """Leave these layers, in their order, and cut the config's list of layers along.

    `model` is Any: see Checkpoint.
    """
    config = model.config
    model.model.layers = nn.ModuleList(
        layer for place, layer in enumerate(model.model.layers) if place in kept
    )
    config.num_hidden_layers = len(model.model.layers)
    if getattr(config, "layer_types", None) is not None:
        config.layer_types = [kind for i, kind in enumerate(config.layer_types) if i in kept]


def keep_channels(mlp: Any, kept: Tensor, down_weight: Tensor) -> None:
    """Leave these FFN channels; `down_weight` `(hidden_size, len(kept))` is what reads them."""
    _keep_outputs(mlp.gate_proj, kept)
    _keep_outputs(mlp.up_proj, kept)
    _replace_inputs(mlp.down_proj, down_weight)
    mlp.intermediate_size = len(kept)


def keep_groups(attention: Any, kept: Tensor, num_groups: int, o_weight: Tensor) -> None:
    """Leave these of `num_groups` key-value heads with their query heads; `o_weight` reads them.

    Qwen3's q_norm and k_norm are of one head's size and shared by all heads: they stay.
    """
    _keep_outputs(attention.q_proj, group_columns(kept, num_groups, attention.q_proj.out_features))
    for projection in (attention.k_proj, attention.v_proj):
        _keep_outputs(projection, group_columns(kept, num_groups, projection.out_features))
    _replace_inputs(attention.o_proj, o_weight)


def group_columns(groups: Tensor, num_groups: int, width: int) -> Tensor:
    """The places that belong to these groups, of `width` in `num_groups` equal runs."""
    return torch.arange(width, device=groups.device).view(num_groups, -1)[groups].flatten()


def write_shape(config: Any, shape: Shape, head_dim: int) -> None:
    """The head size is written out, since it no longer follows from the number of heads."""
    heads = config.num_attention_heads // config.num_key_value_heads
    config.intermediate_size = shape.ffn_width
    config.num_key_value_heads = shape.num_kv_groups
    config.num_attention_heads = shape.num_kv_groups * heads
    config.head_dim = head_dim


def _keep_outputs(linear: nn.Linear, kept: Tensor) -> None:
    linear.weight = _parameter(linear.weight[kept])
    if linear.bias is not None:
        linear.bias = _parameter(linear.bias[kept])
    linear.out_features = len(kept)


def _replace_inputs(linear: nn.Linear, weight: Tensor) -> None:
    linear.weight = _parameter(weight.to(linear.weight.dtype))
    linear.in_features = weight.shape[1]


def _parameter(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach().clone().contiguous())
