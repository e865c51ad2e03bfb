"""Whole checkpoints: what is useless is what goes, and its going changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from compression.pruning import Prune, UnusableCheckpoint, UnusableRecipe, UnusableSamples
from compression.pruning.pruning import prune
from compression.pruning.shape import Shape
from tests.compression.pruning.tiny_checkpoints import (
    FAMILIES,
    FFN_WIDTH,
    HEAD_DIM,
    HEADS_PER_GROUP,
    NUM_KV_GROUPS,
    NUM_LAYERS,
    TEXTS,
    load,
    logits,
    random_model,
    save,
    silent,
)
from tests.random_checkpoints import make_checkpoint

TOLERANCE = 1e-5
HEAD_FAMILIES = [family for family in FAMILIES if family != "qwen2"]


def make_idle(layer: Any) -> None:
    """Of these two projections nothing is left, so the layer adds nothing."""
    for projection in (layer.self_attn.o_proj, layer.mlp.down_proj):
        for parameter in projection.parameters():
            parameter.data.zero_()


def columns(groups: list[int]) -> Any:
    """Of the input of o_proj."""
    size = HEADS_PER_GROUP * HEAD_DIM
    return [column for g in groups for column in range(g * size, (g + 1) * size)]


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_idle_layer_is_the_one_removed_and_nothing_changes(family: str, tmp_path: Path) -> None:
    model = random_model(family)
    make_idle(model.model.layers[2])
    source = save(model, tmp_path / "source")
    pruned = prune(source, tmp_path / "out", Prune(num_layers=3), TEXTS, silent)
    assert [layer.place for layer in pruned.layers] == [0, 1, 3]
    small = load(tmp_path / "out")
    assert len(small.model.layers) == small.config.num_hidden_layers == 3
    assert torch.allclose(logits(small), logits(model), atol=TOLERANCE)


@pytest.mark.parametrize("refit", [True, False])
def test_idle_channels_are_those_removed_and_nothing_changes(
    family: str, refit: bool, tmp_path: Path
) -> None:
    model = random_model(family)
    kept: list[torch.Tensor] = []
    for number, layer in enumerate(model.model.layers):
        order = torch.randperm(FFN_WIDTH, generator=torch.Generator().manual_seed(number))
        layer.mlp.down_proj.weight.data[:, order[96:]] = 0
        kept.append(order[:96].sort().values)
    source = save(model, tmp_path / "source")
    pruned = prune(source, tmp_path / "out", Prune(ffn_width=96, refit=refit), TEXTS, silent)
    assert pruned.after == Shape(NUM_LAYERS, 96, NUM_KV_GROUPS)
    assert max(layer.ffn_error for layer in pruned.layers) < TOLERANCE
    small = load(tmp_path / "out")
    for layer, old, places in zip(small.model.layers, model.model.layers, kept, strict=True):
        for name in ("gate_proj", "up_proj"):
            cut, whole = getattr(layer.mlp, name), getattr(old.mlp, name)
            assert torch.equal(cut.weight, whole.weight[places])
            assert whole.bias is None or torch.equal(cut.bias, whole.bias[places])
        assert torch.allclose(layer.mlp.down_proj.weight, old.mlp.down_proj.weight[:, places])
    assert torch.allclose(logits(small), logits(model), atol=TOLERANCE)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("family", HEAD_FAMILIES, indirect=True)
def test_idle_groups_are_those_removed_with_their_heads_and_nothing_changes(
    family: str, refit: bool, tmp_path: Path
) -> None:
    """Two of four groups of two heads, others in each layer."""
    model = random_model(family)
    idle = ([0, 1], [1, 3], [2, 3], [0, 2])
    for layer, groups in zip(model.model.layers, idle, strict=True):
        layer.self_attn.o_proj.weight.data[:, columns(groups)] = 0
    source = save(model, tmp_path / "source")
    prune(source, tmp_path / "out", Prune(num_kv_groups=2, refit=refit), TEXTS, silent)
    small = load(tmp_path / "out")
    assert small.config.num_key_value_heads == 2
    assert small.config.num_attention_heads == 2 * HEADS_PER_GROUP
    for layer, old, groups in zip(small.model.layers, model.model.layers, idle, strict=True):
        kept = [g for g in range(NUM_KV_GROUPS) if g not in groups]
        q_rows = columns(kept)
        k_rows = [row for g in kept for row in range(g * HEAD_DIM, (g + 1) * HEAD_DIM)]
        for name, rows in (("q_proj", q_rows), ("k_proj", k_rows), ("v_proj", k_rows)):
            cut, whole = getattr(layer.self_attn, name), getattr(old.self_attn, name)
            assert torch.equal(cut.weight, whole.weight[rows])
            assert whole.bias is None or torch.equal(cut.bias, whole.bias[rows])
    assert torch.allclose(logits(small), logits(model), atol=TOLERANCE)


def test_everything_at_once_is_what_cutting_by_hand_leaves(family: str, tmp_path: Path) -> None:
    model = random_model(family)
    make_idle(model.model.layers[1])
    has_heads = family in HEAD_FAMILIES
    for layer in model.model.layers:
        layer.mlp.down_proj.weight.data[:, 64:] = 0
        if has_heads:
            layer.self_attn.o_proj.weight.data[:, columns([1, 3])] = 0
    source = save(model, tmp_path / "source")
    recipe = Prune(num_layers=3, ffn_width=64, num_kv_groups=2 if has_heads else None)
    pruned = prune(source, tmp_path / "out", recipe, TEXTS, silent)
    small = load(tmp_path / "out")
    assert torch.allclose(logits(small), logits(model), atol=TOLERANCE)
    assert pruned.num_parameters == small.num_parameters()
    assert pruned.num_parameters_before == model.num_parameters()
    assert pruned.fraction == pytest.approx(1 - small.num_parameters() / model.num_parameters())


def test_fraction_comes_to_what_it_says(family: str, tmp_path: Path) -> None:
    model = random_model(family)
    source = save(model, tmp_path / "source")
    recipe = Prune(fraction=0.3)
    pruned = prune(source, tmp_path / "out", recipe, TEXTS, silent)
    assert pruned.num_parameters == load(tmp_path / "out").num_parameters()
    assert pruned.fraction == pytest.approx(0.3, abs=0.06)  # half a step of 32 channels
    assert str(pruned).startswith(f"{pruned.fraction:.1%} of the parameters removed: ")


def test_refit_lowers_the_error_of_every_cut(family: str, tmp_path: Path) -> None:
    source = save(random_model(family), tmp_path / "source")
    groups = 2 if family in HEAD_FAMILIES else None
    with_refit, without = (
        prune(
            source,
            tmp_path / f"out-{refit}",
            Prune(ffn_width=64, num_kv_groups=groups, refit=refit),
            TEXTS,
            silent,
        )
        for refit in (True, False)
    )
    for after, before in zip(with_refit.layers, without.layers, strict=True):
        assert 0 < after.ffn_error < 0.9 * before.ffn_error
        assert groups is None or 0 < after.attention_error < 0.9 * before.attention_error


def test_same_seed_same_weights_and_another_draws_other_samples(tmp_path: Path) -> None:
    source = save(random_model("llama"), tmp_path / "source")
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        recipe = Prune(ffn_width=64, num_samples=6, seed=seed)
        prune(source, tmp_path / name, recipe, TEXTS, silent)
    one, two, other = (
        load_file(tmp_path / n / "model.safetensors") for n in ("one", "two", "other")
    )
    assert all(torch.equal(weight, two[name]) for name, weight in one.items())
    assert not all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_tokenizer_goes_along_and_the_config_names_no_path(tmp_path: Path) -> None:
    source = save(random_model("qwen3"), tmp_path / "source")
    (source / "LICENSE").write_text("mine")
    (source / "generation_config.json").write_text('{"temperature": 0.5}')
    (source / "tokenizer.json").chmod(0o600)
    prune(source, tmp_path / "out", Prune(num_kv_groups=3), TEXTS, silent)
    for name in ("tokenizer.json", "chat_template.jinja", "LICENSE", "generation_config.json"):
        assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o644}
    text = (tmp_path / "out/config.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["head_dim"] == HEAD_DIM
    assert json.loads(text)["layer_types"] == ["full_attention"] * NUM_LAYERS


def test_stored_type_and_tied_embeddings_stay(tmp_path: Path) -> None:
    source = save(random_model("qwen2").to(torch.bfloat16), tmp_path / "source")
    prune(source, tmp_path / "out", Prune(num_layers=3), TEXTS, silent)
    weights = load_file(tmp_path / "out/model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert "lm_head.weight" not in weights
    assert len(load(tmp_path / "out").config.layer_types) == 3


def test_other_architecture_is_refused_by_name(tmp_path: Path) -> None:
    source = make_checkpoint(tmp_path / "source", "gemma2")
    with pytest.raises(UnusableCheckpoint, match=r"LlamaForCausalLM.*got Gemma2ForCausalLM"):
        prune(source, tmp_path / "out", Prune(num_layers=2), TEXTS, silent)


def test_heads_that_vllm_could_not_serve_are_refused(tmp_path: Path) -> None:
    """vLLM takes Qwen2's head size to be hidden_size / num_attention_heads."""
    source = save(random_model("qwen2"), tmp_path / "source")
    with pytest.raises(UnusableRecipe, match=r"^num_kv_groups must be one of 4 .*got 2"):
        prune(source, tmp_path / "out", Prune(num_kv_groups=2), TEXTS, silent)


def test_heads_that_a_llama_config_could_not_be_saved_with_are_refused(tmp_path: Path) -> None:
    """Three groups are six heads, and 64 is no multiple of six."""
    source = save(random_model("llama"), tmp_path / "source")
    with pytest.raises(UnusableRecipe, match=r"^num_kv_groups must be one of 1, 2, 4 .*got 3"):
        prune(source, tmp_path / "out", Prune(num_kv_groups=3), TEXTS, silent)


def edit_config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "quantized already"),
        ({"layer_types": ["full_attention", "sliding_attention"] * 2}, "alike in all layers"),
        ({"architectures": None}, "got none"),
    ],
)
def test_checkpoint_that_cannot_be_pruned_is_refused(
    fields: dict[str, object], message: str, tmp_path: Path
) -> None:
    source = save(random_model("qwen3"), tmp_path / "source")
    edit_config(source, **fields)
    with pytest.raises(UnusableCheckpoint, match=message):
        prune(source, tmp_path / "out", Prune(num_layers=3), TEXTS, silent)


def test_checkpoint_without_some_of_its_weights_is_refused(tmp_path: Path) -> None:
    source = save(random_model("qwen3"), tmp_path / "source")
    edit_config(source, num_hidden_layers=5, layer_types=["full_attention"] * 5)
    with pytest.raises(UnusableCheckpoint, match=r"has no weights model\.layers\.4\."):
        prune(source, tmp_path / "out", Prune(num_layers=3), TEXTS, silent)


def test_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=r"config\.json"):
        prune(tmp_path, tmp_path / "out", Prune(num_layers=3), TEXTS, silent)


def test_no_text_is_refused(tmp_path: Path) -> None:
    source = save(random_model("llama"), tmp_path / "source")
    with pytest.raises(UnusableSamples, match="none of 1"):
        prune(source, tmp_path / "out", Prune(num_layers=3), ("",), silent)
