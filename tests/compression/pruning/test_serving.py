"""What pruning leaves is an ordinary checkpoint to the server."""

from pathlib import Path

import pytest
import torch

from compression.pruning import Prune
from compression.pruning.pruning import prune
from tests.compression.pruning.tiny_checkpoints import (
    FFN_WIDTH,
    NUM_LAYERS,
    TEXTS,
    load,
    random_model,
    save,
    silent,
)
from tests.random_checkpoints import make_tokenizer
from tests.server.server_process import running_server

NUM_TOKENS = 8


@pytest.mark.vllm
def test_server_continues_a_prompt_as_transformers_does(tmp_path: Path) -> None:
    """Three of four groups make six heads, of which the hidden size is no multiple."""
    source = save(random_model("qwen3", head_dim=32), tmp_path / "source")
    recipe = Prune(num_layers=NUM_LAYERS - 1, ffn_width=FFN_WIDTH - 32, num_kv_groups=3)
    prune(source, tmp_path / "out", recipe, TEXTS, silent)
    flags = ("--served-model-name", "small", "--dtype", "float32")
    with running_server(str(tmp_path / "out"), tmp_path / "server.log", *flags) as server:
        body = {
            "model": "small",
            "prompt": TEXTS[0],
            "temperature": 0,
            "max_tokens": NUM_TOKENS,
            "ignore_eos": True,
            "return_token_ids": True,
        }
        with server.http() as http:
            reply = http.post("/v1/completions", json=body).raise_for_status().json()
    assert reply["choices"][0]["token_ids"] == greedily(load(tmp_path / "out"), TEXTS[0])


@torch.no_grad()
def greedily(model: torch.nn.Module, prompt: str) -> list[int]:
    token_ids = make_tokenizer().encode(prompt)
    for _ in range(NUM_TOKENS):
        logits = model(torch.tensor([token_ids])).logits
        token_ids.append(int(logits[0, -1].argmax()))
    return token_ids[-NUM_TOKENS:]
