"""Which optimizer moves which weights while a pruned checkpoint is healed."""

from typing import Any

import torch
from torch.optim import Optimizer

from compression.pruning.recipe import Heal

BETAS = (0.9, 0.98)
MOMENTUM = 0.95


def build_optimizers(model: Any, recipe: Heal) -> tuple[Optimizer, ...]:
    """Build the optimizers of the weights that are trained.

    Muon (Jordan et al. 2024) moves the matrices between the layers, its steps scaled to the size of
    AdamW's, so that one learning rate serves both; AdamW moves embeddings, norms and biases.
    `model` is Any: transformers' Auto classes have no types.
    """
    named = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    if recipe.optimizer == "adamw":
        return (_adamw([one for _, one in named], recipe, recipe.weight_decay),)
    ends = {id(layer.weight) for layer in _ends(model)}
    matrices = [one for _, one in named if one.ndim == 2 and id(one) not in ends]
    others = [one for _, one in named if one.ndim != 2 or id(one) in ends]
    muon = torch.optim.Muon(
        matrices,
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        momentum=MOMENTUM,
        adjust_lr_fn="match_rms_adamw",
    )
    return (muon, _adamw(others, recipe, 0.0))


def _ends(model: Any) -> list[Any]:  # the layers that read and write token ids
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    return [layer for layer in layers if layer is not None]


def _adamw(weights: list[torch.nn.Parameter], recipe: Heal, weight_decay: float) -> Optimizer:
    return torch.optim.AdamW(
        weights, lr=recipe.learning_rate, betas=BETAS, weight_decay=weight_decay
    )
