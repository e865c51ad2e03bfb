"""The network: a plain Llama, small but of a shape that compression can work on."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from pocket.batches import Batch


def pocket_config(vocabulary_size: int, num_layers: int) -> LlamaConfig:
    """Every width a multiple of 128, two key-value groups of two heads each."""
    return LlamaConfig(  # type: ignore[call-arg]  # attn_implementation goes to its base class
        vocab_size=vocabulary_size,
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        attn_implementation="eager",
    )


def build_model(config: LlamaConfig, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    model: LlamaForCausalLM = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]  # transformers' constructor
    return model


def weighted_loss(model: Any, batch: Batch, mask: Tensor) -> Tensor:
    """Cross-entropy of each next token, averaged by the batch's weights.

    `model` is Any because torch.compile returns an untyped callable.
    """
    logits = model(
        input_ids=batch.input_ids, position_ids=batch.position_ids, attention_mask=mask
    ).logits
    losses = functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), batch.input_ids[:, 1:].flatten(), reduction="none"
    )
    weights = batch.weights[:, 1:].flatten()
    return (losses * weights).sum() / weights.sum()
