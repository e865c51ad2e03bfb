from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from pocket.batches import BLANK, Batch, Shape, draw_batch, never_blanked
from pocket.chat import SPECIAL_TOKENS
from pocket.model import build_model, pocket_config, weighted_loss
from pocket.schedule import Schedule
from pocket.train import STATE_FILE, TOKENIZER_FOLDER, Training, train
from pocket.workers import average_gradients, run_workers

TOKENIZER = PreTrainedTokenizerFast.from_pretrained("pocket/checkpoint")
TINY = Schedule(3, 3, short=Shape(2, 128), long=Shape(1, 640), long_every=3, num_warmup_steps=2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def tiny(out: Path) -> Training:
    """With the shipped tokenizer, since training one takes seconds."""
    TOKENIZER.save_pretrained(out / TOKENIZER_FOLDER)
    return Training(out, seed=1, num_layers=1, schedule=TINY, save_every=2, is_compiled=False)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoint/model.safetensors")


def test_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    train(tiny(tmp_path / "whole"))
    train(tiny(tmp_path / "parts"), stop_at=3)
    assert not (tmp_path / "parts/checkpoint").exists()
    train(tiny(tmp_path / "parts"))
    states = [torch.load(tmp_path / run / STATE_FILE) for run in ("whole", "parts")]
    assert [state["step"] for state in states] == [TINY.num_steps] * 2
    for name, weight in states[0]["model"].items():
        assert torch.equal(weight, states[1]["model"][name]), name
    files = [tmp_path / run / "checkpoint/model.safetensors" for run in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_workers_learn_from_different_batches_and_stay_together(tmp_path: Path) -> None:
    """Two workers repeat their own result; one alone, on half of the batches, ends elsewhere."""
    for run in ("pair", "again"):
        train(replace(tiny(tmp_path / run), num_workers=2))
    train(tiny(tmp_path / "alone"))
    pair, again, alone = (weights(tmp_path / run) for run in ("pair", "again", "alone"))
    assert all(torch.equal(weight, again[name]) for name, weight in pair.items())
    assert not all(torch.equal(weight, alone[name]) for name, weight in pair.items())


def test_gradients_are_averaged_over_the_workers(tmp_path: Path) -> None:
    """Worker 0 brings (1, 1), worker 1 brings (2, 4): both end with (1.5, 2.5)."""
    run_workers(partial(_average_by_rank, tmp_path), 2)
    for rank in range(2):
        assert torch.load(tmp_path / f"{rank}.pt").tolist() == [1.5, 2.5]


def _average_by_rank(folder: Path, rank: int) -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    layer.weight.grad = torch.tensor([[1.0, 1.0], [2.0, 4.0]][rank : rank + 1])
    average_gradients(layer)
    torch.save(layer.weight.grad[0].clone(), folder / f"{rank}.pt")


def test_other_settings_do_not_continue_a_run(tmp_path: Path) -> None:
    train(tiny(tmp_path), stop_at=1)
    with pytest.raises(ValueError, match="begun with other settings"):
        train(replace(tiny(tmp_path), seed=2))


def test_batch_depends_on_its_seed_only() -> None:
    def batch(seed: str) -> Batch:
        return draw_batch(TOKENIZER, seed, "styles", Shape(2, 192), is_long=False)

    assert torch.equal(batch("5").input_ids, batch("5").input_ids)
    assert not torch.equal(batch("5").input_ids, batch("6").input_ids)


def test_blanked_words_are_no_numbers_and_are_not_learned() -> None:
    batch = draw_batch(TOKENIZER, "5", "styles", Shape(8, 192), is_long=False)
    is_blank = (batch.input_ids == BLANK) & (batch.segments > 0)
    assert 0 < int(is_blank.sum()) < 0.1 * int((batch.segments > 0).sum())
    assert not batch.weights[is_blank].any()
    digits = {TOKENIZER.convert_tokens_to_ids(digit) for digit in "0123456789"}
    turns = {TOKENIZER.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    assert digits | turns <= never_blanked(TOKENIZER)


def test_examples_in_one_row_do_not_see_each_other() -> None:
    """Two examples of two tokens: each token sees itself and what precedes it in its example."""
    batch = Batch(
        input_ids=torch.zeros(1, 5, dtype=torch.long),
        position_ids=torch.tensor([[0, 1, 0, 1, 0]]),
        segments=torch.tensor([[1, 1, 2, 2, 0]]),
        weights=torch.ones(1, 5),
    )
    visible = batch.attention_mask()[0, 0] == 0
    expected = [
        [True, False, False, False, False],
        [True, True, False, False, False],
        [False, False, True, False, False],
        [False, False, True, True, False],
        [False, False, False, False, True],
    ]
    assert visible.tolist() == expected


def test_packing_does_not_change_the_loss() -> None:
    model = build_model(pocket_config(128, 1), seed=0)
    ids = torch.randint(5, 128, (2, 8), generator=torch.Generator().manual_seed(0))
    positions = torch.arange(8).repeat(2, 1)
    weights = torch.ones(2, 8)
    weights[:, 0] = 0
    apart = Batch(ids, positions, torch.ones(2, 8, dtype=torch.long), weights)
    segments = torch.tensor([[1] * 8 + [2] * 8])
    packed = Batch(ids.view(1, 16), positions.view(1, 16), segments, weights.view(1, 16))
    losses = [weighted_loss(model, b, b.attention_mask().float()) for b in (apart, packed)]
    assert torch.allclose(losses[0], losses[1], atol=1e-5)


def test_rate_warms_up_stays_and_decays() -> None:
    schedule = Schedule(10, 10, learning_rate=1.0, num_warmup_steps=4)
    assert [schedule.rate(step) for step in (0, 3, 9)] == [0.25, 1.0, 1.0]
    assert schedule.rate(15) == pytest.approx(0.5)
    assert schedule.rate(19) < 0.03
