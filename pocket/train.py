"""Trains the pocket checkpoint: `python -m pocket.train`.

The same command continues an interrupted run and ends with the same weights.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from pocket.batches import Batch, draw_batch
from pocket.export import export
from pocket.memory import keep_freed_memory
from pocket.model import build_model, pocket_config, weighted_loss
from pocket.optimizers import build_optimizers
from pocket.schedule import Schedule
from pocket.tokenizer import train_tokenizer
from pocket.training_state import Averager, TrainingState
from pocket.workers import average_gradients, run_workers

AVERAGE_DECAY = 0.99
STATE_FILE, TOKENIZER_FOLDER, CHECKPOINT_FOLDER = "state.pt", "tokenizer", "checkpoint"


@dataclass(frozen=True)
class Training:
    """Everything that decides the weights, and where the run keeps its files."""

    out: Path
    seed: int = 0
    num_layers: int = 4
    num_workers: int = 1
    schedule: Schedule = field(default_factory=Schedule)
    save_every: int = 200
    is_compiled: bool = True

    @property
    def fingerprint(self) -> str:
        workers = f"workers={self.num_workers}"
        return f"seed={self.seed} layers={self.num_layers} {workers} {self.schedule}"


def train(training: Training, stop_at: int | None = None) -> None:
    """Runs to the end, or to step `stop_at`, from wherever the run in `training.out` stands."""
    training.out.mkdir(parents=True, exist_ok=True)
    _load_tokenizer(training)  # trains it where there is none yet
    if training.num_workers == 1:
        _run(training, stop_at, rank=0)
    else:
        run_workers(partial(_run, training, stop_at), training.num_workers)


def _run(training: Training, stop_at: int | None, rank: int) -> None:
    """Every worker takes every step; the first one shows and saves."""
    torch.set_num_threads(1)
    keep_freed_memory()
    tokenizer = _load_tokenizer(training)
    state = _load_state(training, len(tokenizer))
    end = min(training.schedule.num_steps, stop_at or training.schedule.num_steps)
    measure = torch.compile(weighted_loss, dynamic=False) if training.is_compiled else weighted_loss
    with tqdm(total=end, initial=state.step, unit="step", smoothing=0.05, disable=rank > 0) as bar:
        while state.step < end:
            loss = _take_step(training, rank, state, measure, tokenizer)
            bar.set_postfix(loss=f"{loss:.3f}", phase=training.schedule.phase(state.step - 1))
            bar.update()
            if rank == 0 and (state.step % training.save_every == 0 or state.step == end):
                state.save(training.out / STATE_FILE)
    if rank == 0 and state.step == training.schedule.num_steps:
        export(state, tokenizer, training.out / CHECKPOINT_FOLDER)


def _take_step(
    training: Training,
    rank: int,
    state: TrainingState,
    measure: Callable[[LlamaForCausalLM, Batch, Tensor], Tensor],
    tokenizer: PreTrainedTokenizerFast,
) -> float:
    began = time.monotonic()
    schedule, step = training.schedule, state.step
    batch = draw_batch(
        tokenizer,
        f"{training.seed}:{step}:{rank}",
        schedule.phase(step),
        schedule.shape(step),
        schedule.is_long(step),
    )
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
    with torch.autocast("cpu", torch.bfloat16):
        loss = measure(state.model, batch, batch.attention_mask())
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    if training.num_workers > 1:
        average_gradients(state.model)
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    for optimizer in state.optimizers:
        optimizer.step()
        optimizer.zero_grad()
    state.average.update(state.model)
    state.step += 1
    state.num_tokens += int((batch.segments > 0).sum())
    state.seconds += time.monotonic() - began
    return loss.item()


def _load_tokenizer(training: Training) -> PreTrainedTokenizerFast:
    folder = training.out / TOKENIZER_FOLDER
    if not folder.exists():
        train_tokenizer(training.seed).save_pretrained(folder)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer


def _load_state(training: Training, vocabulary_size: int) -> TrainingState:
    model = build_model(pocket_config(vocabulary_size, training.num_layers), training.seed)
    average = Averager.of(model, AVERAGE_DECAY)
    state = TrainingState(model, build_optimizers(model), average, training.fingerprint)
    path = training.out / STATE_FILE
    if path.exists():
        state.load(path)
    return state


def _parse_arguments() -> argparse.Namespace:
    defaults = Schedule()
    parser = argparse.ArgumentParser(
        prog="python -m pocket.train",
        description="Train the pocket checkpoint from scratch, or continue an interrupted run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("pocket/runs/default"), help="folder of the run"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, data and tokenizer")
    parser.add_argument("--layers", type=int, default=4, help="number of decoder layers")
    parser.add_argument("--skill-steps", type=int, default=defaults.num_skill_steps)
    parser.add_argument("--style-steps", type=int, default=defaults.num_style_steps)
    parser.add_argument("--workers", type=int, default=2, help="processes, each of one thread")
    parser.add_argument("--no-compile", action="store_true", help="run without torch.compile")
    return parser.parse_args()


def main() -> None:
    arguments = _parse_arguments()
    schedule = Schedule(arguments.skill_steps, arguments.style_steps)
    train(
        Training(
            out=arguments.out,
            seed=arguments.seed,
            num_layers=arguments.layers,
            num_workers=arguments.workers,
            schedule=schedule,
            is_compiled=not arguments.no_compile,
        )
    )


if __name__ == "__main__":
    main()
