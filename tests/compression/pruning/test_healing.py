from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from compression.pruning import Heal, Prune, UnusableCheckpoint, UnusableState
from compression.pruning.checkpoint import open_checkpoint
from compression.pruning.distillation import distillation_loss, mean_divergence
from compression.pruning.healing import heal, learning_rate, state_path
from compression.pruning.optimizers import build_optimizers
from compression.pruning.pruning import prune
from compression.pruning.token_batches import by_length, epoch, tokenize
from tests.compression.pruning.tiny_checkpoints import TEXTS, random_model, save, silent

RECIPE = Heal(
    steps=12, learning_rate=3e-3, warmup_steps=2, batch_size=4, save_every=5, cross_entropy=0.1
)
WORDS = ("The", "answer", "is", "So", "we", "have", "plus", "apples.", *map(str, range(40)))


@dataclass(frozen=True)
class Pair:
    student: Path
    teacher: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    teacher = save(random_model("llama").to(torch.bfloat16), folder / "teacher")
    prune(teacher, folder / "student", Prune(num_layers=3, ffn_width=64), TEXTS, silent)
    return Pair(folder / "student", teacher)


def random_texts(count: int, seed: int) -> list[str]:
    rng = Random(seed)
    return [" ".join(rng.choices(WORDS, k=20)) for _ in range(count)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def run(pair: Pair, out: Path, recipe: Heal = RECIPE, until: int | None = None) -> None:
    """The healing; it is interrupted after step `until`."""

    def tell(done: int, total: int, what: str) -> None:
        if done == until:
            raise KeyboardInterrupt

    heal(pair.student, pair.teacher, out, recipe, TEXTS, tell)


def divergence(folder: Path, teacher: Path) -> float:
    student, original = open_checkpoint(folder), open_checkpoint(teacher)
    batches = by_length(tokenize(random_texts(20, seed=1), original.tokenizer, 64), 5)
    return mean_divergence(student.model, original.model, batches)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_healing_brings_text_that_it_never_saw_nearer_to_the_original(
    pair: Pair, optimizer: Literal["adamw", "muon"], tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    recipe = Heal(steps=60, learning_rate=3e-3, warmup_steps=5, batch_size=8, optimizer=optimizer)
    healed = heal(
        pair.student,
        pair.teacher,
        tmp_path / "out",
        recipe,
        random_texts(200, seed=0),
        lambda done, total, what: told.append((done, total)),
    )
    before, after = (divergence(path, pair.teacher) for path in (pair.student, tmp_path / "out"))
    assert after < 0.7 * before
    assert healed.last_divergence < 0.7 * healed.first_divergence
    assert told == [(step, 60) for step in range(1, 61)]


def test_stored_type_shape_and_tokenizer_stay(pair: Pair, tmp_path: Path) -> None:
    run(pair, tmp_path / "out")
    before, after = weights(pair.student), weights(tmp_path / "out")
    assert {name: (w.shape, w.dtype) for name, w in before.items()} == {
        name: (w.shape, w.dtype) for name, w in after.items()
    }
    assert not all(torch.equal(weight, after[name]) for name, weight in before.items())
    for name in ("tokenizer.json", "chat_template.jinja", "config.json"):
        assert (tmp_path / "out" / name).read_bytes() == (pair.student / name).read_bytes()


@pytest.mark.parametrize("until", [8, 12])
def test_interrupted_run_ends_with_the_same_weights(pair: Pair, until: int, tmp_path: Path) -> None:
    """States are kept at steps 5, 10 and 12; the second call goes on from the one before."""
    run(pair, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(pair, tmp_path / "parts", until=until)
    assert not (tmp_path / "parts").exists()
    steps: list[int] = []
    heal(
        pair.student,
        pair.teacher,
        tmp_path / "parts",
        RECIPE,
        TEXTS,
        lambda done, total, what: steps.append(done),
    )
    first = {8: 6, 12: 11}[until]
    assert steps == list(range(first, 13))
    files = [tmp_path / run / "model.safetensors" for run in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not state_path(tmp_path / "parts").exists()


def test_other_settings_do_not_go_on_with_a_run(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(pair, out, until=6)
    with pytest.raises(UnusableState, match="begun with another recipe"):
        run(pair, out, RECIPE.model_copy(update={"seed": 1}))
    run(pair, out, RECIPE.model_copy(update={"save_every": 7}))  # decides nothing


def test_state_that_is_none_is_refused(pair: Pair, tmp_path: Path) -> None:
    state_path(tmp_path / "out").write_text("not a state")
    with pytest.raises(UnusableState, match="cannot be read"):
        run(pair, tmp_path / "out")


def test_checkpoint_of_another_vocabulary_does_not_heal(pair: Pair, tmp_path: Path) -> None:
    model = random_model("llama")
    model.resize_token_embeddings(400)
    other = save(model, tmp_path / "other")
    with pytest.raises(UnusableCheckpoint, match="must have the vocabulary of"):
        run(Pair(pair.student, other), tmp_path / "out")


def test_loss_is_the_softened_divergence_mixed_with_cross_entropy() -> None:
    """Two tokens of probability: the teacher's 1/2 and 1/2, the student's 1/4 and 3/4.

    KL = ½ ln(½ / ¼) + ½ ln(½ / ¾) = ½ ln 4/3; cross-entropy of the first is ln 4. At temperature 2
    the student's become 1 : √3, so with s = 1 + √3: ½ ln(s / 2) + ½ ln(s / (2 √3)), times 4.
    """
    student = torch.tensor([[0.25, 0.75]]).log()
    teacher = torch.tensor([[0.5, 0.5]]).log()
    first = torch.tensor([0])
    plain, divergence = distillation_loss(student, teacher, first, 1.0, 0.0)
    assert float(plain) == float(divergence) == pytest.approx(0.143841, abs=1e-6)
    mixed, _ = distillation_loss(student, teacher, first, 1.0, 0.25)
    assert float(mixed) == pytest.approx(0.75 * 0.143841 + 0.25 * 1.386294, abs=1e-5)
    soft, divergence = distillation_loss(student, teacher, first, 2.0, 0.0)
    assert float(divergence) == pytest.approx(0.037252, abs=1e-5)
    assert float(soft) == pytest.approx(4 * 0.037252, abs=1e-5)


def test_rate_warms_up_and_falls_to_zero() -> None:
    recipe = Heal(steps=24, warmup_steps=4, learning_rate=1.0)
    assert [learning_rate(recipe, step) for step in (0, 1, 3, 4)] == [0.25, 0.5, 1.0, 1.0]
    assert learning_rate(recipe, 14) == pytest.approx(0.5)
    assert learning_rate(recipe, 23) < 0.01


def test_every_pass_shows_every_row_once_and_like_lengths_together() -> None:
    lengths = [1, 9, 2, 8, 3, 7, 4, 6, 5]
    passes = [epoch(lengths, 3, seed=0, number=number) for number in (0, 1)]
    for batches in passes:
        assert sorted(place for batch in batches for place in batch) == list(range(9))
        assert {tuple(sorted(lengths[p] for p in batch)) for batch in batches} == {
            (1, 2, 3),
            (4, 5, 6),
            (7, 8, 9),
        }
    assert passes[0] != passes[1]
    assert passes[0] == epoch(lengths, 3, seed=0, number=0)


def test_adapters_heal_and_are_merged(pair: Pair, tmp_path: Path) -> None:
    recipe = Heal(steps=60, learning_rate=1e-2, warmup_steps=5, batch_size=8, lora_rank=4)
    texts = random_texts(200, seed=0)
    heal(pair.student, pair.teacher, tmp_path / "out", recipe, texts, silent)
    before, after = (divergence(path, pair.teacher) for path in (pair.student, tmp_path / "out"))
    assert after < 0.9 * before
    old, new = weights(pair.student), weights(tmp_path / "out")
    assert {name: one.shape for name, one in new.items()} == {
        name: one.shape for name, one in old.items()
    }
    name = "model.layers.0.mlp.down_proj.weight"
    rank = torch.linalg.matrix_rank((new[name] - old[name]).float(), rtol=0.1)
    assert 1 <= rank <= 4
    assert torch.equal(new["model.embed_tokens.weight"], old["model.embed_tokens.weight"])


@pytest.mark.parametrize("changes", [{"lora_rank": 2}, {"optimizer": "muon"}])
def test_interrupted_healing_of_another_kind_ends_with_the_same_weights(
    pair: Pair, changes: dict[str, object], tmp_path: Path
) -> None:
    recipe = RECIPE.model_copy(update=changes)
    run(pair, tmp_path / "whole", recipe)
    with pytest.raises(KeyboardInterrupt):
        run(pair, tmp_path / "out", recipe, until=7)
    run(pair, tmp_path / "out", recipe)
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "out")
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), name


def test_each_optimizer_has_its_own_weights(pair: Pair) -> None:
    model = open_checkpoint(pair.student).model
    recipe = RECIPE.model_copy(update={"optimizer": "muon"})
    muon, adamw = build_optimizers(model, recipe)
    matrices, others = (
        {id(one) for group in optimizer.param_groups for one in group["params"]}
        for optimizer in (muon, adamw)
    )
    assert not matrices & others
    assert matrices | others == {id(one) for one in model.parameters()}
    assert id(model.get_input_embeddings().weight) in others
    assert id(model.model.layers[0].mlp.down_proj.weight) in matrices


def test_muon_is_not_for_adapters() -> None:
    with pytest.raises(ValidationError, match="leave lora_rank out"):
        Heal(optimizer="muon", lora_rank=4)
