"""Sizes of a model of two linear layers, 4 × 128 × 128 parameters, and an embedding of 1,000."""

import shutil
from pathlib import Path

import psutil
import pytest

from compression.capacity import available_memory, check_disk, check_memory, expected_bytes
from compression.checkpoint import bundled_checkpoint
from compression.errors import UnusableInput
from compression.pruning.recipe import Heal, Prune
from compression.recipes import RECIPES, Recipe
from compression.weights import Weight, read_weights

LINEAR = Weight("model.layers.0.mlp.up_proj.weight", (256, 128), "BF16")
WEIGHTS = (
    *(LINEAR, LINEAR),
    Weight("model.embed_tokens.weight", (10, 100), "BF16"),
    Weight("model.norm.weight", (128,), "BF16"),
)
NUM_LINEAR = 2 * 256 * 128
REST_BYTES = 2 * (1_000 + 128)
HUGE = (Weight("model.layers.0.mlp.up_proj.weight", (10**7, 10**7), "BF16"),)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("w8a8", 8),
        ("fp8-dynamic", 8),
        ("w4a16", 4 + 16 / 128),
        ("w4a16-awq", 4 + 20 / 128),
        ("nvfp4", 4.5),
        ("sparse-50", 16),
        ("kv-cache-fp8", 16),
    ],
)
def test_linear_layers_alone_are_quantized(name: str, bits: float) -> None:
    assert expected_bytes(WEIGHTS, RECIPES[name]) == NUM_LINEAR * bits / 8 + REST_BYTES


def test_pruned_share_is_of_all_parameters_and_is_quantized_afterwards() -> None:
    whole = 2 * NUM_LINEAR + REST_BYTES
    pruned = expected_bytes(WEIGHTS, RECIPES["prune-25"])
    assert pruned == pytest.approx(0.75 * whole, abs=1)
    both = expected_bytes(WEIGHTS, RECIPES["prune-25-heal-w8a8"])
    assert both == pytest.approx((pruned - REST_BYTES) / 2 + REST_BYTES, abs=1)


def test_weights_are_read_from_headers() -> None:
    weights = read_weights(bundled_checkpoint())
    assert sum(one.num_parameters for one in weights) == 1_442_944
    assert sum(one.num_bytes for one in weights) == 2 * 1_442_944
    assert sum(one.is_linear for one in weights) == 4 * 7  # layers; projections
    assert {one.name for one in weights if not one.is_linear and len(one.shape) == 2} == {
        "model.embed_tokens.weight"
    }


def test_broken_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"no \*.safetensors in the folder"):
        read_weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nothing!")
    with pytest.raises(UnusableInput, match=r"model.safetensors: "):
        read_weights(tmp_path)


def test_too_little_disk_is_said_beforehand(tmp_path: Path) -> None:
    check_disk(tmp_path / "out", WEIGHTS, RECIPES["prune-25-heal-w8a8"])
    with pytest.raises(UnusableInput, match=r"needs about 220,000,000 MB of disk, has .* free"):
        check_disk(tmp_path / "out", HUGE, RECIPES["w8a8"])


def test_adapters_need_no_state_of_all_weights(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    weights = (Weight("model.layers.0.mlp.up_proj.weight", (free // 12, 1), "BF16"),)
    adapters = Recipe(steps=(Prune(fraction=0.25), Heal(lora_rank=8)))
    check_disk(tmp_path / "out", weights, adapters)
    with pytest.raises(UnusableInput, match="MB of disk"):
        check_disk(tmp_path / "out", weights, RECIPES["prune-25-heal"])


def test_too_little_memory_is_said_beforehand() -> None:
    recipe = Recipe(steps=(Prune(fraction=0.25), Heal()))
    check_memory(WEIGHTS, recipe)
    with pytest.raises(UnusableInput, match=r"needs about 1,800,000,000 MB of it, .* --force"):
        check_memory(HUGE, recipe)
    assert 0 < available_memory() < psutil.virtual_memory().total
