"""Bytes of checkpoints worked out by hand from their configs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from loadtest.plan.checkpoint import UnusableCheckpoint, read_checkpoint
from loadtest.plan.hardware import GPUS
from loadtest.plan.model import DoesNotFit
from loadtest.plan.question import Lengths
from loadtest.plan.roofline import Assumptions, paper_replica

LLAMA_3_8B = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
LENGTHS = Lengths(prompt_tokens=300, path_tokens=400, deviation=200, block_size=16)


def folder(at: Path, **changes: Any) -> str:
    config = {name: value for name, value in (LLAMA_3_8B | changes).items() if value is not None}
    (at / "config.json").write_text(json.dumps(config))
    return str(at)


def test_pocket() -> None:
    """2 · 4 layers · 2 heads · 64 · 2 bytes. A layer multiplies by 2 · 128 · 256 + 2 · 128 · 128 +
    3 · 128 · 512 = 294,912 parameters, the tied head by 128 · 2048; 9 norms of 128 come on top."""
    pocket = read_checkpoint("pocket")
    assert pocket.kv_bytes_per_token == 2048
    assert pocket.matrix_parameters == 4 * 294_912 + 262_144
    assert pocket.weight_bytes == 2 * (4 * 294_912 + 262_144 + 9 * 128)
    assert pocket.max_model_len == 2048


def test_llama_3_8b_by_its_config(tmp_path: Path) -> None:
    """2 · 32 · 8 · 128 · 2 bytes = 128 KiB a token; 8.03 billion parameters, of which 0.525 billion
    are the embedding that nothing is multiplied with."""
    llama = read_checkpoint(folder(tmp_path))
    assert llama.kv_bytes_per_token == 131_072
    assert llama.matrix_parameters == 32 * (2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + (
        4096 * 128_256
    )
    assert llama.weight_bytes == pytest.approx(2 * 8.03e9, rel=0.001)


def test_weights_on_disk_count_once(tmp_path: Path) -> None:
    for name in ("model-1.safetensors", "model-2.safetensors", "consolidated.safetensors"):
        save_file({"a": np.zeros((10, 10), np.float16)}, tmp_path / name)
    assert read_checkpoint(folder(tmp_path)).weight_bytes == 2 * 200


def test_float32_is_served_in_16_bits(tmp_path: Path) -> None:
    save_file({"a": np.zeros((10, 10), np.float32)}, tmp_path / "model.safetensors")
    checkpoint = read_checkpoint(folder(tmp_path, torch_dtype="float32"))
    assert (checkpoint.weight_bytes, checkpoint.kv_bytes_per_token) == (200, 131_072)


def test_text_part_of_a_model_that_sees(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"text_config": LLAMA_3_8B, "vision": {}}))
    assert read_checkpoint(str(tmp_path)).kv_bytes_per_token == 131_072


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kv_lora_rank": 512}, r"kv_lora_rank .*MLA"),
        ({"layer_types": ["linear_attention", "full_attention"]}, "linear_attention: layers"),
        ({"mamba_d_state": 16}, "mamba_d_state: layers without a KV cache"),
        ({"num_hidden_layers": None}, "must have num_hidden_layers, .* got None"),
        ({"hidden_size": "wide"}, "must have hidden_size, .* got 'wide'"),
        ({"torch_dtype": "int8"}, "dtype must be one of .* got 'int8'"),
        ({"quantization_config": {"bits": 4}}, r"\*\.safetensors files are needed"),
    ],
)
def test_what_cannot_be_reckoned_with_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnusableCheckpoint, match=message):
        read_checkpoint(folder(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_pointer_in_place_of_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UnusableCheckpoint, match="no safetensors file"):
        read_checkpoint(folder(tmp_path))


def test_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=r"--checkpoint takes a folder or 'pocket'"):
        read_checkpoint(str(tmp_path / "nowhere"))


def test_roofline_of_llama_3_8b_on_an_h100(tmp_path: Path) -> None:
    """Weights 16.06 GB / (0.7 · 3350 GB/s) = 6.849 ms and 2 ms; KV of 500 tokens 65.5 MB = 0.02795
    ms; 2 · 7.505e9 / (0.5 · 989e12) = 0.03035 ms a token. Memory: 0.92 · 80 − 2 − 16.06 = 55.54 GB
    hold 423,738 tokens."""
    replica = paper_replica(GPUS["H100"], read_checkpoint(folder(tmp_path)), LENGTHS, Assumptions())
    costs = replica.costs
    assert costs.step_s == pytest.approx(0.008849, rel=1e-3)
    assert costs.sequence_s == pytest.approx(27.95e-6, rel=1e-3)
    assert costs.prompt_token_s == costs.compute_s == pytest.approx(30.35e-6, rel=1e-3)
    assert replica.kv_tokens == pytest.approx(423_738, rel=1e-3)
    assert (replica.max_num_seqs, replica.max_num_batched_tokens) == (1024, 8192)


def test_two_gpus_read_twice_as_fast_and_have_room_for_more(tmp_path: Path) -> None:
    """(2 · 0.92 · 80 − 4 − 16.06) GB / 128 KiB = 970,020 tokens."""
    llama = read_checkpoint(folder(tmp_path))
    assumed = Assumptions(tensor_parallel=2, step_overhead_ms=0)
    replica = paper_replica(GPUS["H100"], llama, LENGTHS, assumed)
    assert replica.costs.step_s == pytest.approx(0.006849 / 2, rel=1e-3)
    assert replica.kv_tokens == pytest.approx(970_020, rel=1e-3)


def test_heads_fewer_than_gpus_are_kept_several_times(tmp_path: Path) -> None:
    llama = read_checkpoint(folder(tmp_path, num_key_value_heads=2))
    one, four = (
        paper_replica(GPUS["H100"], llama, LENGTHS, Assumptions(tensor_parallel=n)) for n in (1, 4)
    )
    assert one.kv_tokens is not None
    assert four.kv_tokens is not None
    # Each token takes twice the bytes; without that it would be over four times the room.
    assert four.kv_tokens < 2.9 * one.kv_tokens


def test_model_that_is_too_large_names_how_many_gpus_have_room(tmp_path: Path) -> None:
    """70 billion parameters: 141 GB; an H100 leaves 71.6."""
    large = folder(
        tmp_path, hidden_size=8192, intermediate_size=28672, num_attention_heads=64,
        num_hidden_layers=80,
    )  # fmt: skip
    with pytest.raises(DoesNotFit, match=r"141\.\d GB .* 71\.6 GB; --tensor-parallel 2 has room"):
        paper_replica(GPUS["H100"], read_checkpoint(large), LENGTHS, Assumptions())


def test_experts_are_refused_on_paper(tmp_path: Path) -> None:
    save_file({"a": np.zeros((10, 10), np.float16)}, tmp_path / "model.safetensors")
    mixture = read_checkpoint(folder(tmp_path, num_local_experts=8))
    assert mixture.kv_bytes_per_token == 131_072
    with pytest.raises(UnusableCheckpoint, match="mixture of experts"):
        paper_replica(GPUS["H100"], mixture, LENGTHS, Assumptions())


def test_table_names_its_sources() -> None:
    assert all(gpu.source.startswith("NVIDIA") for gpu in GPUS.values())
