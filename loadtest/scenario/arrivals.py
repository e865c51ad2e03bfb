"""When requests arrive. Open arrivals do not wait for replies, as users do not; closed ones do.

A latency counts from the arrival: where a client was late to send, the wait is part of it (Tene's
"coordinated omission").
"""

import itertools
import random
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
"""Requests a second."""
Concurrency = Annotated[int, Field(ge=1, le=4096)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constant(_Strict):
    """One request every 1/`rate` seconds."""

    kind: Literal["constant"]
    rate: Rate

    @property
    def label(self) -> str:
        return f"{self.rate:.4g}/s"

    def offsets_s(self, seed: int) -> Iterator[float]:
        """Seconds from the beginning, without end."""
        return (number / self.rate for number in itertools.count())


class Poisson(_Strict):
    """Independent users: the gaps are exponential with mean 1/`rate`."""

    kind: Literal["poisson"]
    rate: Rate

    @property
    def label(self) -> str:
        return f"{self.rate:.4g}/s"

    def offsets_s(self, seed: int) -> Iterator[float]:
        """Seconds from the beginning, without end; the same for the same seed."""
        draw = random.Random(seed)
        return itertools.accumulate(draw.expovariate(self.rate) for _ in itertools.count())


class ClosedLoop(_Strict):
    """So many clients, each of which sends its next request when its last one was answered."""

    kind: Literal["closed_loop"]
    concurrency: Concurrency

    @property
    def label(self) -> str:
        return f"{self.concurrency} at once"


class Sweep(_Strict):
    """Load up to saturation: one client alone, then `max_concurrency` of them, whose requests/s are
    the peak; then `num_rates` rates in equal steps up to that peak, or `rates` as given."""

    kind: Literal["sweep"]
    max_concurrency: Concurrency = 64
    num_rates: Annotated[int, Field(ge=1, le=50)] = 5
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] | None = None
    spacing: Literal["constant", "poisson"] = "poisson"

    @model_validator(mode="after")
    def _either(self) -> "Sweep":
        if self.rates is not None and "num_rates" in self.model_fields_set:
            raise ValueError("rates and num_rates exclude each other")
        return self

    @property
    def closed(self) -> tuple[ClosedLoop, ...]:
        """The stages by which the peak is found."""
        sizes = dict.fromkeys((1, self.max_concurrency))
        return tuple(ClosedLoop(kind="closed_loop", concurrency=size) for size in sizes)

    def opened(self, alone: float, peak: float) -> tuple["Constant | Poisson", ...]:
        """The stages after that, of the requests/s that one client and all of them came to."""
        low = min(alone, peak)
        steps = [low + (peak - low) * n / self.num_rates for n in range(1, self.num_rates + 1)]
        rates = steps if self.rates is None else self.rates
        if self.spacing == "constant":
            return tuple(Constant(kind="constant", rate=rate) for rate in rates)
        return tuple(Poisson(kind="poisson", rate=rate) for rate in rates)


Steady = Constant | Poisson | ClosedLoop
"""What one stage of a run may have."""
Arrivals = Annotated[Constant | Poisson | ClosedLoop | Sweep, Field(discriminator="kind")]
