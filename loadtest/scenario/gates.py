"""Limits that a run must keep, for use where a figure that is worse should stop something."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator

from loadtest.scenario.summary import ALL, Figures, StageFigures

Metric = Literal[
    "share_right",
    "share_failed",
    "share_within_slo",
    "requests_per_s",
    "right_per_s",
    "goodput_per_s",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "ttft_p99_ms",
    "mean_tokens",
    "tokens_per_right_answer",
]


class Gate(BaseModel):
    """`metric` of one way of asking, or of `all` of them, against a limit.

    In a sweep the stage counts that has most goodput, of those with a rate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric
    call: str = ALL
    at_most: FiniteFloat | None = None
    at_least: FiniteFloat | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> "Gate":
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("one of at_most and at_least must be given")
        return self

    def __str__(self) -> str:
        sign, limit = ("≤", self.at_most) if self.at_least is None else ("≥", self.at_least)
        of = "" if self.call == ALL else f" of {self.call}"
        return f"{self.metric}{of} {sign} {limit:g}"


@dataclass(frozen=True)
class Verdict:
    """`value` None: nothing was measured, which no gate lets pass."""

    gate: Gate
    value: float | None

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        if self.gate.at_most is not None:
            return self.value <= self.gate.at_most
        assert self.gate.at_least is not None, "the gate's own rule"
        return self.value >= self.gate.at_least


def judge(gates: Sequence[Gate], stages: Sequence[StageFigures]) -> list[Verdict]:
    """Judge the gates by the stage that counts; without any stage, none holds."""
    stage = _counting_stage(stages)
    return [Verdict(gate, _value(gate, stage)) for gate in gates]


def _counting_stage(stages: Sequence[StageFigures]) -> StageFigures | None:
    with_rate = [stage for stage in stages if stage.offered_per_s is not None]
    return max(with_rate or stages, key=lambda one: one.of(ALL).goodput_per_s or 0.0, default=None)


def _value(gate: Gate, stage: StageFigures | None) -> float | None:
    figures: Figures | None = stage.find(gate.call) if stage else None
    if figures is None:
        return None
    value: float | None = figures.metrics()[gate.metric]
    return value


METRICS: tuple[str, ...] = get_args(Metric)
