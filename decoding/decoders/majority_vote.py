"""Self-consistency (Wang et al. 2022, arXiv 2203.11171): the answer that most samples give.

Section 2: sample several paths and take the answer with most votes. Weights are those of its
table 1: a vote counts 1 (`count`), or the path's length-normalised probability, exp of the mean
log-probability of its tokens (`probability`), summed over the paths of an answer; `confidence` is Δ
of CoT-decoding (Wang & Zhou 2024, arXiv 2402.10200).

When `decoding.stopping` says that the vote is decided, the rest is aborted. Samples are counted in
launch order, so when they are launched changes what a vote costs and never how it ends. Where the
request's deadline passes first, all samples vote that are complete by then, whichever came before
them.

Deviations:
- the stopping rules look at counts also where votes have weights;
- samples that are empty, cut off by the token limit or without an answer are used and do not vote;
  where none votes, the reply is the likeliest sample, and the report says so.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from decoding.answers import Answer
from decoding.confidence import answer_confidence
from decoding.drawing import Launched
from decoding.sample import Sample, Selection, vote
from decoding.sampled import SampledDecoder, Samples
from decoding.stopping import Votes, beta_decides, fewest_votes, window_decides
from decoding.voting import leader, tally

TOP_TWO = 2


class MajorityVote(SampledDecoder):
    """Draws samples and keeps the answer that most of them give; stops as soon as the vote is
    decided."""

    logprobs_field: ClassVar[str] = "weight"

    strategy: Literal["majority_vote"] = "majority_vote"
    weight: Literal["count", "probability", "confidence"] = Field(
        "count",
        description="what a vote counts: 1, the sample's length-normalised probability, or Δ",
    )
    stop: Literal["beta", "window", "none"] = Field(
        "beta",
        description="stop when the leader is commonest with `threshold` probability, or when "
        "`window` samples in a row agree",
    )
    threshold: float = Field(0.95, gt=0.5, lt=1, description="of the `beta` rule")
    window: int = Field(5, ge=2, description="of the `window` rule")
    min_votes: int = Field(1, ge=1, description="stop no earlier than after so many votes")
    launch: Literal["at_once", "as_needed"] = Field(
        "at_once",
        description="start all samples at once, or the fewest that may decide and more as votes "
        "disagree: fewer tokens, more waiting",
    )
    count_truncated: bool = Field(
        False, description="let samples vote that were cut off by the token limit"
    )

    @field_validator("threshold", "window")
    @classmethod
    def _belongs_to_the_rule(cls, value: float, info: ValidationInfo) -> float:
        rule = "beta" if info.field_name == "threshold" else "window"
        if info.data.get("stop", rule) != rule:
            raise ValueError(f'is of stop "{rule}" alone; leave it out')
        return value

    @field_validator("window", "min_votes", "launch")
    @classmethod
    def _needs_a_rule(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("stop") == "none":
            raise ValueError('has no effect with stop "none"; leave it out')
        return value

    @field_validator("window", "min_votes")
    @classmethod
    def _can_be_reached(cls, value: int, info: ValidationInfo) -> int:
        num_samples = info.data.get("num_samples", value)
        if value > num_samples:
            raise ValueError(f"must be at most num_samples, {num_samples}")
        return value

    @property
    def reads_distributions(self) -> bool:
        return self.weight == "confidence"

    @property
    def idle_fields(self) -> frozenset[str]:
        match self.stop:
            case "beta":
                return frozenset({"window"})
            case "window":
                return frozenset({"threshold"})
            case "none":
                return frozenset({"threshold", "window", "min_votes", "launch"})

    @property
    def num_logprobs(self) -> int:
        return TOP_TWO if self.weight == "confidence" else 0

    @property
    def num_sample_logprobs(self) -> int:
        return self.num_logprobs

    @property
    def scores_samples(self) -> bool:
        return self.weight == "probability"

    @property
    def needs_answer(self) -> bool:
        return True

    @property
    def may_be_truncated(self) -> bool:
        return self.count_truncated

    def weigh(self, sample: Sample, answer: Answer | None) -> Sample:
        confidence = None
        if answer is not None and self.weight == "confidence":
            confidence = answer_confidence(sample.path, answer)
        weight = 0.0
        if sample.dropped is None:
            match self.weight:
                case "count":
                    weight = 1.0
                case "probability":
                    weight = math.exp(sample.path.mean_logprob)
                case "confidence":
                    weight = confidence or 0.0
        return replace(sample, weight=weight, confidence=confidence)

    async def select(self, samples: Samples) -> Selection | None:
        return vote(await samples.until(self.stop, self._is_decided, self._num_wanted))

    def _is_decided(self, counted: Sequence[Sample]) -> bool:
        return self._rule([sample.vote for sample in counted])

    @property
    def _rule(self) -> Callable[[Votes], bool]:
        match self.stop:
            case "beta":
                return lambda votes: self._may_stop(votes) and beta_decides(votes, self.threshold)
            case "window":
                return lambda votes: self._may_stop(votes) and window_decides(votes, self.window)
            case "none":
                return lambda votes: False

    def _may_stop(self, votes: Votes) -> bool:
        return sum(vote is not None for vote in votes) >= self.min_votes

    def _num_wanted(self, launched: Launched) -> int:
        """How many samples decide the vote if all that are not known agree with the leader."""
        if self.launch == "at_once":
            return self.num_samples
        known = tally((s.vote, 1.0) for s in launched if s is not None and s.vote is not None)
        hoped = leader(known) if known else ""
        votes = [hoped if sample is None else sample.vote for sample in launched]
        return fewest_votes(votes, hoped, self.num_samples, self._rule)
