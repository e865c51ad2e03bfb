"""DeepConf (Fu et al. 2025, arXiv 2508.15260): a vote among the samples that stayed confident.

Offline (section 3.2): all samples run to their end; the `keep_percent` of highest confidence vote,
weighted by it. Online (section 3.3): `num_warmup` samples run to their end and set the threshold,
the percentile 100 - keep_percent of their lowest groups; of the samples that follow, one whose
group falls below it is aborted there, and the vote ends when its leader holds `consensus` of all
weight.

Deviations:
- the window is a tenth of the mean sample unless set: the paper's 2048 tokens, a tenth of its
  samples, would never cut a shorter one;
- a floor: where fewer than `min_votes` samples pass the filter, the most confident of the
  others are let in until they do, if so many have an answer, and no vote is stopped on fewer;
- samples that are empty, cut off by the token limit or without an answer do not vote; where none
  votes, the reply is the likeliest sample, and the report says so;
- samples are counted in launch order, as in `majority_vote`;
- where the request's deadline passes first, the complete samples vote; if it does in the warm-up,
  they set the threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from decoding.answers import Answer
from decoding.drawing import Launched
from decoding.engine import OutOfTime
from decoding.group_confidence import (
    NUM_LOGPROBS,
    GroupWatch,
    TraceScore,
    group_confidences,
    token_confidence,
    trace_confidence,
)
from decoding.report import Report
from decoding.sample import Sample, Selection, vote
from decoding.sampled import GivesUp, SampledDecoder, Samples
from decoding.voting import leader, share, tally

WINDOW_SHARE = 0.1
MIN_WINDOW = 4
MAX_WARMUP = 16


class DeepConfReport(Report):
    """`window` is that of a group, in tokens, and `threshold` the confidence below which a sample
    is filtered out. `num_readmitted` samples vote only because too few passed the filter."""

    window: int
    threshold: float
    num_readmitted: int


class DeepConf(SampledDecoder):
    """Votes among the samples that stayed confident, weighted by confidence; online, it aborts a
    sample as soon as its confidence falls too low."""

    report_type: ClassVar[type[Report]] = DeepConfReport

    strategy: Literal["deepconf"] = "deepconf"
    num_samples: int = Field(32, ge=2, description="how many samples to draw")
    mode: Literal["online", "offline"] = Field(
        "online", description="abort samples on their way, or filter them when all are complete"
    )
    keep_percent: float = Field(
        90, gt=0, le=100, description="the share of samples that the filter keeps; the paper's η"
    )
    window: int | None = Field(
        None, ge=1, description="tokens of a confidence group; a tenth of the mean sample if unset"
    )
    score: TraceScore = Field(
        "lowest_group",
        description="a sample's confidence: `lowest_group`, `bottom_tenth` of groups, or `tail`",
    )
    num_warmup: int | None = Field(
        None,
        ge=2,
        description="samples that set the threshold, of mode `online`, and no fewer than "
        "`min_votes`; half of all, at most 16, if unset",
    )
    consensus: float = Field(
        0.95, gt=0.5, le=1, description="the leader's share that ends the vote, of mode `online`"
    )
    min_votes: int = Field(4, ge=1, description="the fewest samples that may be left to vote")

    @field_validator("num_warmup", "consensus")
    @classmethod
    def _is_of_online(cls, value: float | None, info: ValidationInfo) -> float | None:
        if info.data.get("mode") == "offline":
            raise ValueError('is of mode "online" alone; leave it out')
        return value

    @field_validator("num_warmup", "min_votes")
    @classmethod
    def _can_be_reached(cls, value: int | None, info: ValidationInfo) -> int | None:
        most = info.data.get("num_samples", math.inf)
        if value is not None and value > most:
            raise ValueError(f"must be at most num_samples, {most}")
        return value

    @property
    def num_logprobs(self) -> int:
        return NUM_LOGPROBS

    @property
    def reads_distributions(self) -> bool:
        return True

    @property
    def idle_fields(self) -> frozenset[str]:
        return frozenset({"num_warmup", "consensus"} if self.mode == "offline" else ())

    def parameters(self) -> dict[str, Any]:  # as the base
        is_online = {"num_warmup": self.num_measured} if self.mode == "online" else {}
        return {**super().parameters(), "min_votes": self.floor, **is_online}

    @property
    def floor(self) -> int:
        """The fewest votes that may be left, where there are so many samples."""
        return min(self.min_votes, self.num_samples)

    @property
    def num_measured(self) -> int:
        """How many samples run to their end and set the threshold."""
        if self.mode == "offline":
            return self.num_samples
        # The floor can only be filled with samples that ran to their end.
        num_warmup = self.num_warmup or min(MAX_WARMUP, self.num_samples // 2)
        return max(2, num_warmup, self.floor)

    @property
    def num_sample_logprobs(self) -> int:
        return NUM_LOGPROBS

    @property
    def scores_samples(self) -> bool:
        return True

    @property
    def needs_answer(self) -> bool:
        return True

    def weigh(self, sample: Sample, answer: Answer | None) -> Sample:
        is_given_up = sample.path.finish_reason == "abort"
        return replace(sample, dropped="low_confidence") if is_given_up else sample

    async def select(self, samples: Samples) -> Selection | None:
        trial = _Trial(self)
        drawn = await samples.until("consensus", trial.is_decided, trial.num_wanted, trial.gives_up)
        if samples.is_out_of_time:
            trial.settle(drawn)
        admitted, num_readmitted = trial.admit(drawn)
        samples.judge(admitted)
        samples.details.update(
            window=trial.window, threshold=trial.threshold, num_readmitted=num_readmitted
        )
        return vote(admitted)


class _Trial:
    """The samples of one request: measured ones first, then those that are held to them."""

    def __init__(self, decoder: DeepConf) -> None:
        self._decoder = decoder
        self.window = decoder.window or MIN_WINDOW
        self.threshold = -math.inf
        self._steps: dict[int, list[float]] = {}
        self._confidences: list[tuple[float, float]] = []

    def gives_up(self, number: int) -> GivesUp | None:
        if number < self._decoder.num_measured:
            return None
        watch = GroupWatch(self.window, self.threshold)
        return lambda delta: watch.falls_below(delta.ranked)

    def num_wanted(self, launched: Launched) -> int:
        # Read here, where samples come in one by one: for all of them at once it would take long.
        for number, sample in enumerate(launched):
            if sample is not None:
                self._steps_of(number, sample)
        num_measured = self._decoder.num_measured
        measured = [sample for sample in launched[:num_measured] if sample is not None]
        return num_measured if len(measured) < num_measured else self._decoder.num_samples

    def is_decided(self, counted: Sequence[Sample]) -> bool:
        if len(counted) == self._decoder.num_measured:
            self._measure(counted)
        if len(counted) < self._decoder.num_measured or self._decoder.mode == "offline":
            return False
        admitted, _ = self.admit(counted)
        votes = [(s.vote, s.weight) for s in admitted if s.vote is not None]
        if len(votes) < self._decoder.floor:
            return False
        totals = tally(votes)
        return (share(totals, leader(totals)) or 0.0) >= self._decoder.consensus

    def settle(self, counted: Sequence[Sample]) -> None:
        """Prepare the vote of samples that the deadline cut down.

        If the warm-up did not come to its end, its complete samples are measured.

        Raises:
            OutOfTime: no sample is complete.
        """
        if all(sample.is_timed_out for sample in counted):
            raise OutOfTime
        if not self._confidences:
            self._measure(counted)

    def admit(self, counted: Sequence[Sample]) -> tuple[list[Sample], int]:
        """The samples with their weights, the filtered ones dropped; how many the floor let in."""
        for number in range(len(self._confidences), len(counted)):
            self._confidences.append(self._confidence(number, counted[number]))
        able = [i for i, sample in enumerate(counted) if sample.dropped is None]
        passing = {i for i in able if self._confidences[i][0] >= self.threshold}
        rest = sorted(set(able) - passing, key=lambda i: (-self._confidences[i][1], i))
        readmitted = rest[: max(0, self._decoder.floor - len(passing))]
        voting = passing.union(readmitted)
        admitted = []
        for i, sample in enumerate(counted):
            score = self._confidences[i][1] if self._steps_of(i, sample) else None
            weight = score or 0.0 if i in voting else 0.0
            dropped = None if i in voting else sample.dropped or "low_confidence"
            admitted.append(replace(sample, score=score, weight=weight, dropped=dropped))
        return admitted, len(readmitted)

    def _measure(self, counted: Sequence[Sample]) -> None:
        """Set the window and the threshold by the samples that ran to their end."""
        numbers = [i for i, sample in enumerate(counted) if not sample.is_timed_out]
        if self._decoder.window is None:
            mean_length = fmean(len(self._steps_of(i, counted[i])) for i in numbers)
            self.window = max(MIN_WINDOW, round(WINDOW_SHARE * mean_length))
        self._confidences = [self._confidence(i, sample) for i, sample in enumerate(counted)]
        filtered_by = [self._confidences[number][0] for number in numbers]
        self.threshold = float(np.percentile(filtered_by, 100 - self._decoder.keep_percent))

    def _confidence(self, number: int, sample: Sample) -> tuple[float, float]:
        """What the threshold is compared to, and the sample's score. Online the former is the
        lowest group, since a sample on its way can show no more."""
        steps = self._steps_of(number, sample)
        if not steps:  # the deadline cut it off before its first token
            return 0.0, 0.0
        groups = group_confidences(steps, self.window)
        score = trace_confidence(groups, self._decoder.score)
        return (min(groups) if self._decoder.mode == "online" else score), score

    def _steps_of(self, number: int, sample: Sample) -> list[float]:
        """The confidence of each token of a sample, looked at once."""
        if number not in self._steps:
            self._steps[number] = [token_confidence(step) for step in sample.path.ranked]
        return self._steps[number]
