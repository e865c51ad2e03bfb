import json
import stat
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

CHECKPOINT = Path("pocket/checkpoint")
CONFIG = json.loads((CHECKPOINT / "config.json").read_text())


def test_folder_is_small_and_readable() -> None:
    files = list(CHECKPOINT.iterdir())
    assert sum(file.stat().st_size for file in files) <= 8 * 2**20
    assert {stat.S_IMODE(file.stat().st_mode) & 0o444 for file in files} == {0o444}


def test_weights_are_bfloat16_and_of_the_promised_size() -> None:
    weights = load_file(CHECKPOINT / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert 1_000_000 <= sum(weight.numel() for weight in weights.values()) <= 4_000_000
    assert all(torch.isfinite(weight).all() for weight in weights.values())


def test_shape_suits_compression() -> None:
    assert CONFIG["architectures"] == ["LlamaForCausalLM"]
    assert CONFIG["dtype"] == "bfloat16"
    assert CONFIG["num_hidden_layers"] >= 4
    assert CONFIG["num_key_value_heads"] >= 2
    assert CONFIG["max_position_embeddings"] >= 1024
    widths = [CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["vocab_size"]]
    heads = [CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]]
    assert all(width % 128 == 0 for width in [*widths, *(h * CONFIG["head_dim"] for h in heads)])


def test_reply_ends_by_itself() -> None:
    # Any: the classes behind the Auto factories carry no usable types.
    tokenizer: Any = AutoTokenizer.from_pretrained(CHECKPOINT)
    model: Any = AutoModelForCausalLM.from_pretrained(CHECKPOINT)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 7 + 8?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    ids = model.generate(**prompt, max_new_tokens=40, do_sample=False)[0]
    text = tokenizer.decode(ids[prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    assert text == "7 + 8 = 15. The answer is 15."
    assert ids[-1] == tokenizer.eos_token_id
