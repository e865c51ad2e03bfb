"""An ensemble over LoRA adapters that are loaded in the server."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import save_file

from server.checkpoint import bundled_checkpoint
from tests.server.questions import MODEL, Json, chat
from tests.server.server_process import running_server

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
RANK = 8
EIGHT_SAMPLES = {"strategy": "majority_vote", "stop": "none", "seed": 1, "return_texts": True}


def make_adapter(folder: Path, scale: float) -> Path:
    """A LoRA adapter of the bundled checkpoint's MLPs; scale 0 changes nothing."""
    config = json.loads((bundled_checkpoint() / "config.json").read_text())
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        name = f"base_model.model.model.layers.{layer}.mlp.down_proj.lora"
        tensors[f"{name}_A.weight"] = torch.randn(RANK, inner, generator=generator)
        tensors[f"{name}_B.weight"] = scale * torch.randn(hidden, RANK, generator=generator)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "r": RANK,
        "lora_alpha": RANK,
        "target_modules": ["down_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("lora")
    same, other = make_adapter(folder / "same", 0.0), make_adapter(folder / "other", 0.05)
    flags = ("--enable-lora", "--max-lora-rank", str(RANK), "--max-loras", "2")
    modules = ("--lora-modules", f"same={same}", f"other={other}")
    log = folder / "server.log"
    with (
        running_server("pocket", log, *flags, *modules) as server,
        server.http() as http,
    ):
        yield http


def candidates(http: httpx.Client, **decoding: object) -> list[Json]:
    body = chat(decoding={**EIGHT_SAMPLES, **decoding})
    reply = http.post(CHAT, json=body)
    assert reply.status_code == httpx.codes.OK, reply.text
    report = reply.json()["decoding"]
    assert report["num_tokens"] == reply.json()["usage"]["completion_tokens"]
    assert report["num_tokens"] == sum(c["num_tokens"] for c in report["candidates"])
    found: list[Json] = report["candidates"]
    return found


def test_adapters_draw_in_turn_and_sign_their_votes(lora: httpx.Client) -> None:
    """An adapter that changes nothing says what the base model says, and the base model says the
    same beside adapters: vLLM's own CPU worker gives it the last one's."""
    alone = [c["text"] for c in candidates(lora)]
    same = candidates(lora, models=[MODEL, "same"])
    assert [c["model"] for c in same] == [MODEL, "same"] * 4
    assert [c["text"] for c in same] == alone
    mixed = candidates(lora, models=[MODEL, "other"])
    other = [c["text"] for c in candidates(lora, models=["other", "other"])]
    assert [c["text"] for c in mixed[::2]] == alone[::2]
    assert [c["text"] for c in mixed[1::2]] == other[1::2] != alone[1::2]


def test_an_adapter_can_be_the_requests_own_model(lora: httpx.Client) -> None:
    """Samples of no named model are drawn by the one that the request names."""
    body = chat(decoding=EIGHT_SAMPLES) | {"model": "other"}
    own = [c["text"] for c in lora.post(CHAT, json=body).json()["decoding"]["candidates"]]
    named = [c["text"] for c in candidates(lora, models=["other", "other"])]
    assert own == named


@pytest.mark.parametrize(
    ("models", "says"),
    [
        (["pocket", "nope"], '"nope"; /v1/models lists them'),
        (["pocket"], "at least 2"),
        (["same"] * 9, "at most num_samples, 8"),
        ("pocket", "valid list"),
        ([1, 2], "valid string"),
    ],
    ids=repr,
)
def test_models_that_cannot_vote_are_a_400(lora: httpx.Client, models: object, says: str) -> None:
    reply = lora.post(CHAT, json=chat(decoding={**EIGHT_SAMPLES, "models": models}))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "decoding.models"
    assert says in reply.json()["error"]["message"]
