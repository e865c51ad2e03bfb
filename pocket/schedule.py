"""When training does what: two phases, their lengths and the learning rate."""

import math
from dataclasses import dataclass

from pocket.batches import Shape
from pocket.mixture import Phase

SHORT, LONG = Shape(32, 192), Shape(8, 640)


@dataclass(frozen=True)
class Schedule:
    """Skills first at a constant rate, then the mix of styles at a rate decayed to zero."""

    num_skill_steps: int = 3100
    num_style_steps: int = 2500
    short: Shape = SHORT
    long: Shape = LONG
    long_every: int = 6
    learning_rate: float = 3e-3
    num_warmup_steps: int = 100

    @property
    def num_steps(self) -> int:
        return self.num_skill_steps + self.num_style_steps

    def phase(self, step: int) -> Phase:
        return "skills" if step < self.num_skill_steps else "styles"

    def is_long(self, step: int) -> bool:
        return step % self.long_every == self.long_every - 1

    def shape(self, step: int) -> Shape:
        return self.long if self.is_long(step) else self.short

    def rate(self, step: int) -> float:
        if step < self.num_skill_steps:
            return self.learning_rate * min(1.0, (step + 1) / self.num_warmup_steps)
        done = (step - self.num_skill_steps) / self.num_style_steps
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
