"""When training does what: two phases, their lengths and the learning rate."""

import math
from dataclasses import dataclass

from pocket.batches import Shape
from pocket.mixture import Phase

SHORT, LONG = Shape(40, 192), Shape(10, 640)


@dataclass(frozen=True)
class Schedule:
    """Skills first at a constant rate, then the mix of styles at a rate decayed to zero; then the
    mix once more from a lower rate (a warm restart, Loshchilov & Hutter 2016, arXiv 1608.03983),
    which is what stories of templates never seen gain from most."""

    num_skill_steps: int = 1100
    num_style_steps: int = 1500
    num_restart_steps: int = 2400
    short: Shape = SHORT
    long: Shape = LONG
    long_every: int = 6
    learning_rate: float = 3e-3
    num_warmup_steps: int = 100
    restart_share: float = 0.6

    @property
    def num_steps(self) -> int:
        return self.num_skill_steps + self.num_style_steps + self.num_restart_steps

    def phase(self, step: int) -> Phase:
        return "skills" if step < self.num_skill_steps else "styles"

    def is_long(self, step: int) -> bool:
        return step % self.long_every == self.long_every - 1

    def shape(self, step: int) -> Shape:
        return self.long if self.is_long(step) else self.short

    def rate(self, step: int) -> float:
        if step < self.num_skill_steps:
            return self.learning_rate * min(1.0, (step + 1) / self.num_warmup_steps)
        begun = step - self.num_skill_steps
        if begun < self.num_style_steps:
            return self.learning_rate * _cosine(begun / self.num_style_steps)
        restarted = (begun - self.num_style_steps) / self.num_restart_steps
        return self.learning_rate * self.restart_share * _cosine(restarted)


def _cosine(done: float) -> float:
    """From 1 to 0 as `done` goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * done))
