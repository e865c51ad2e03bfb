"""What an interrupted healing needs to go on: one file, replaced atomically."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from compression.pruning.errors import UnusableState
from compression.pruning.recipe import Heal

HASHED = ("config.json", "tokenizer.json", "*.safetensors")


@dataclass
class HealingState:
    """`model` is Any: the classes behind transformers' Auto factories carry no usable types."""

    model: Any
    optimizers: Sequence[torch.optim.Optimizer]
    fingerprint: str
    divergences: list[float] = field(default_factory=list)
    """From the original, before each step that was taken."""

    @property
    def step(self) -> int:
        return len(self.divergences)

    def save(self, path: Path) -> None:
        aside = path.with_suffix(".part")
        torch.save(
            {
                "model": self._trained(),
                "optimizers": [one.state_dict() for one in self.optimizers],
                "fingerprint": self.fingerprint,
                "divergences": self.divergences,
            },
            aside,
        )
        os.replace(aside, path)

    def _trained(self) -> dict[str, torch.Tensor]:
        """The weights that training changes."""
        trained = {name for name, one in self.model.named_parameters() if one.requires_grad}
        weights: dict[str, torch.Tensor] = self.model.state_dict()
        return {name: weight for name, weight in weights.items() if name in trained}

    def load(self, path: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            UnusableState: it cannot be read, or was begun with other settings.
        """
        try:
            contents = torch.load(path, weights_only=True, map_location=self.model.device)
            fingerprint = contents["fingerprint"]
        except Exception as failure:  # torch names no errors for a file that is not its own
            raise UnusableState(f"{path} cannot be read ({failure}); remove it") from None
        if fingerprint != self.fingerprint:
            raise UnusableState(
                f"{path} was begun with another recipe, samples or checkpoints; give the same "
                "ones again, or remove it to begin anew"
            )
        self.model.load_state_dict(contents["model"], strict=False)
        for optimizer, state in zip(self.optimizers, contents["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.divergences = contents["divergences"]


def fingerprint(recipe: Heal, samples: Sequence[str], folders: Sequence[Path]) -> str:
    """The SHA-256 of all that decides the weights; how often the state is saved does not."""
    digest = hashlib.sha256(recipe.model_dump_json(exclude={"save_every"}).encode())
    for sample in samples:
        digest.update(hashlib.sha256(sample.encode(errors="surrogatepass")).digest())
    for folder in folders:
        for path in sorted({path for pattern in HASHED for path in folder.glob(pattern)}):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
