"""Which optimizer moves which weights."""

import torch
from torch.optim import Optimizer
from transformers import LlamaForCausalLM

WEIGHT_DECAY = 0.05


def build_optimizers(model: LlamaForCausalLM) -> tuple[Optimizer, ...]:
    """Muon for the matrices between the layers, AdamW for embeddings and norms.

    Muon's steps are scaled to the size of AdamW's, so that one learning rate serves both.
    """
    named = dict(model.named_parameters())
    matrices = [p for name, p in named.items() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named.items() if p.ndim != 2 or "embed" in name]
    return (
        torch.optim.Muon(
            matrices,
            lr=1.0,
            weight_decay=WEIGHT_DECAY,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    )
