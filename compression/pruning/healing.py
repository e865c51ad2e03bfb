"""Trains a pruned checkpoint to predict as the original does.

All weights are trained, in float32, and saved in the checkpoint's own type; or adapters are, see
`compression.pruning.lora`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from compression.progress import Tell
from compression.pruning.checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from compression.pruning.distillation import distillation_loss, predictions, targets
from compression.pruning.errors import UnusableCheckpoint
from compression.pruning.healing_state import HealingState, fingerprint
from compression.pruning.lora import merged, with_adapters
from compression.pruning.optimizers import build_optimizers
from compression.pruning.recipe import Heal
from compression.pruning.token_batches import Batch, collate, epoch, tokenize


@dataclass(frozen=True)
class Healed:
    """Divergence from the original in nats a token, at the recipe's temperature, means over the
    first and the last tenth of the steps."""

    first_divergence: float
    last_divergence: float
    num_steps: int

    def __str__(self) -> str:
        return (
            f"{self.num_steps} steps: divergence {self.first_divergence:.4f} in the first tenth, "
            f"{self.last_divergence:.4f} in the last"
        )


def heal(
    student: Path, teacher: Path, out: Path, recipe: Heal, samples: Sequence[str], tell: Tell
) -> Healed:
    """Write the healed student into `out`, a fresh folder. `samples` are rendered texts.

    The state of an interrupted run lies beside `out` (`state_path`) until the weights are written:
    the same call goes on with it, and ends with the weights of an uninterrupted run.

    Raises:
        PruningError: a checkpoint, the samples or the state beside `out` cannot be used.
    """
    pupil, master = open_checkpoint(student), open_checkpoint(teacher)
    _check_vocabularies(pupil, master)
    rows = tokenize(samples, pupil.tokenizer, recipe.sequence_length)
    state = _begin(pupil, recipe, fingerprint(recipe, samples, (student, teacher)))
    path = state_path(out)
    if path.exists():
        state.load(path)
    for batch in _batches(rows, recipe, first=state.step):
        state.divergences.append(_take_step(state, master, batch, recipe))
        tell(state.step, recipe.steps, f"healing, divergence {state.divergences[-1]:.4f}")
        if state.step % recipe.save_every == 0 or state.step == recipe.steps:
            state.save(path)
    if recipe.lora_rank is not None:
        pupil.model = merged(pupil.model)
    save_checkpoint(pupil, out)
    path.unlink()
    return _healed(state.divergences)


def state_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.healing")


def learning_rate(recipe: Heal, step: int) -> float:
    """The rate of the step after `step` steps: linear up to the highest, then a cosine to zero."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def _check_vocabularies(pupil: Checkpoint, master: Checkpoint) -> None:
    if (
        pupil.config.vocab_size != master.config.vocab_size
        or pupil.tokenizer.get_vocab() != master.tokenizer.get_vocab()
    ):
        raise UnusableCheckpoint(
            f"checkpoint {pupil.folder}: must have the vocabulary of {master.folder}, "
            "which it is to be healed by"
        )


def _begin(pupil: Checkpoint, recipe: Heal, fingerprint: str) -> HealingState:
    if recipe.lora_rank is None:
        pupil.model.float()
    else:
        pupil.model = with_adapters(pupil.model, recipe.lora_rank, recipe.seed)
    pupil.model.train()
    return HealingState(pupil.model, build_optimizers(pupil.model, recipe), fingerprint)


def _batches(rows: Sequence[list[int]], recipe: Heal, first: int) -> Iterator[Batch]:
    """Those of the steps from `first` on; what a step is given depends on nothing before it."""
    lengths = list(map(len, rows))
    step = 0
    for number in range(recipe.steps):  # each pass has a batch at least
        for places in epoch(lengths, recipe.batch_size, recipe.seed, number):
            if step >= recipe.steps:
                return
            if step >= first:
                yield collate([rows[place] for place in places])
            step += 1


def _take_step(state: HealingState, master: Checkpoint, batch: Batch, recipe: Heal) -> float:
    """The divergence before the step, in nats a token."""
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, state.step)
        optimizer.zero_grad()
    with torch.no_grad():
        wanted = predictions(master.model, batch)
    logits = predictions(state.model, batch)
    loss, divergence = distillation_loss(
        logits,
        wanted,
        targets(batch).to(logits.device),
        recipe.temperature,
        recipe.cross_entropy,
    )
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.max_grad_norm)
    for optimizer in state.optimizers:
        optimizer.step()
    return float(divergence)


def _healed(divergences: Sequence[float]) -> Healed:
    tenth = max(1, len(divergences) // 10)
    first, last = divergences[:tenth], divergences[-tenth:]
    return Healed(sum(first) / len(first), sum(last) / len(last), len(divergences))
