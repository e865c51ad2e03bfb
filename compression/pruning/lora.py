"""Healing by adapters instead of all weights: LoRA (Hu et al. 2021, arXiv 2106.09685) by peft.

The weights stay in their own type and are not trained; the adapters are, in float32.
"""

from typing import Any

from compression.pruning.errors import UnusableRecipe

ALPHA = 2
"""Of the rank: by how much the product of an adapter's two matrices is scaled."""


def with_adapters(model: Any, rank: int, seed: int) -> Any:
    """Add adapters to all linear layers but the output's; they change nothing yet.

    Models are Any: the classes behind transformers' Auto factories carry no usable types.

    Raises:
        UnusableRecipe: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model  # an extra
    except ImportError:
        raise UnusableRecipe("lora_rank needs peft: pip install 'winnow[lora]'") from None
    import torch

    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=ALPHA * rank, target_modules="all-linear")
    return get_peft_model(model, config)


def merged(model: Any) -> Any:
    """The model itself, with what its adapters learned."""
    return model.merge_and_unload()
