"""Checkpoints of the families that are pruned: tiny, random, in float32, with biases where the
family has any, so that what is equal can be told from what is nearly so."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

from tests.random_checkpoints import CHAT_TEMPLATE, make_tokenizer

FAMILIES = ("llama", "qwen2", "qwen3", "mistral")
NUM_LAYERS, FFN_WIDTH, NUM_KV_GROUPS = 4, 128, 4
HIDDEN_SIZE, HEAD_DIM, HEADS_PER_GROUP = 64, 8, 2
SHAPE = {
    "vocab_size": 384,
    "hidden_size": HIDDEN_SIZE,
    "intermediate_size": FFN_WIDTH,
    "num_hidden_layers": NUM_LAYERS,
    "num_attention_heads": NUM_KV_GROUPS * HEADS_PER_GROUP,
    "num_key_value_heads": NUM_KV_GROUPS,
    "max_position_embeddings": 256,
    "eos_token_id": 0,
    "bos_token_id": 0,
    "pad_token_id": 0,
}
CONFIGS: dict[str, Callable[..., Any]] = {
    "llama": partial(LlamaConfig, attention_bias=True, mlp_bias=True),
    "qwen2": partial(Qwen2Config, tie_word_embeddings=True),
    "qwen3": partial(Qwen3Config, head_dim=HEAD_DIM, attention_bias=True),
    "mistral": partial(MistralConfig, sliding_window=None),
}
TEXTS = tuple(
    f"<|user|>So we have {n} plus {n + 1} apples.<|end|>" * (1 + n % 3) for n in range(24)
)


def random_model(family: str, **shape: int) -> Any:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIGS[family](**SHAPE | shape))
    for parameter in model.parameters():  # biases begin as zeros, norms as ones
        torch.nn.init.normal_(parameter, mean=parameter.detach().mean().item(), std=0.08)
    return model.eval()


def save(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder).eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    token_ids = torch.arange(3, 63).view(2, 30)
    result: torch.Tensor = model(token_ids).logits
    return result


def silent(done: int, total: int, what: str) -> None:
    pass
