"""What an interrupted training needs to go on: one file, replaced atomically."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM


@dataclass
class Averager:
    """An exponential average of the weights, which is what gets exported."""

    decay: float
    weights: dict[str, Tensor]

    @classmethod
    def of(cls, model: LlamaForCausalLM, decay: float) -> "Averager":
        return cls(decay, {name: p.detach().clone() for name, p in model.named_parameters()})

    @torch.no_grad()
    def update(self, model: LlamaForCausalLM) -> None:
        for name, parameter in model.named_parameters():
            self.weights[name].lerp_(parameter, 1 - self.decay)


@dataclass
class TrainingState:
    model: LlamaForCausalLM
    optimizers: tuple[torch.optim.Optimizer, ...]
    average: Averager
    fingerprint: str
    step: int = 0
    num_tokens: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        aside = path.with_suffix(".part")
        torch.save(self._contents(), aside)
        os.replace(aside, path)

    def load(self, path: Path) -> None:
        """Takes over what `save` wrote; ValueError when it is of another configuration."""
        contents = torch.load(path, weights_only=True)
        if contents["fingerprint"] != self.fingerprint:
            raise ValueError(
                f"{path} was begun with other settings ({contents['fingerprint']}, now "
                f"{self.fingerprint}); give the same ones again or another --out"
            )
        self.model.load_state_dict(contents["model"])
        for optimizer, saved in zip(self.optimizers, contents["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average.weights = contents["average"]
        self.step, self.num_tokens = contents["step"], contents["num_tokens"]
        self.seconds = contents["seconds"]

    def _contents(self) -> dict[str, Any]:
        """Any: torch.save takes a mapping of tensors, numbers and text."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.weights,
            "fingerprint": self.fingerprint,
            "step": self.step,
            "num_tokens": self.num_tokens,
            "seconds": self.seconds,
        }
