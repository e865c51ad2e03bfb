"""Tiny checkpoints of several families with random weights, made on the spot."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIALS = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
VOCAB_SIZE = 384
CONTEXT_LENGTH = 256
SHAPE = {
    "vocab_size": VOCAB_SIZE,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": CONTEXT_LENGTH,
    "eos_token_id": 0,
    "bos_token_id": 0,
    "pad_token_id": 0,
}


def family_config(family: str) -> PreTrainedConfig:
    if family == "gpt2":
        return GPT2Config(
            vocab_size=VOCAB_SIZE,
            n_positions=CONTEXT_LENGTH,
            n_embd=64,
            n_layer=2,
            n_head=2,
            eos_token_id=0,
            bos_token_id=0,
        )
    configs = {
        "llama": LlamaConfig,
        "qwen3": Qwen3Config,
        "mistral": MistralConfig,
        "gemma2": Gemma2Config,
    }
    return configs[family](**SHAPE)


def make_checkpoint(folder: Path, family: str) -> Path:
    """A servable checkpoint. The GPT-2 one is a base model: it has no chat template."""
    torch.manual_seed(0)
    config = family_config(family)
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer = make_tokenizer()
    if family != "gpt2":
        tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, so that any text encodes and random tokens may split a character."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    corpus = [f"The answer is {n}. So we have {n} plus {n + 1} apples." for n in range(100)]
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<|end|>", pad_token="<|end|>"
    )
