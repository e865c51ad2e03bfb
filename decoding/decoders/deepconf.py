"""DeepConf (Fu et al. 2025, arXiv 2508.15260): a vote among the samples that stayed confident.

Offline (section 3.2): all samples run to their end; the `keep_percent` of highest confidence vote,
weighted by it. Online (section 3.3): `num_warmup` samples run to their end and set the threshold,
the percentile 100 - keep_percent of their lowest groups; of the samples that follow, one whose
group falls below it is aborted there, and the vote ends when its leader holds `consensus` of all
weight.

Deviations:
- the window is a tenth of the mean sample unless set: the paper's 2048 tokens, a tenth of its
  samples, would never cut a shorter one;
- a ballot floor: where fewer than `min_votes` samples pass the filter, the most confident of the
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
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from decoding.answers import extract_answer
from decoding.ballot import NO_VOTE, Ballot, elect, place_of
from decoding.decoder import Emit, Outcome
from decoding.engine import Delta, Engine, OutOfTime, Prompt
from decoding.fallback import fall_back
from decoding.group_confidence import (
    NUM_LOGPROBS,
    GroupWatch,
    TraceScore,
    group_confidences,
    token_confidence,
    trace_confidence,
)
from decoding.path import Path
from decoding.poll import Launched, hold_poll
from decoding.report import Report
from decoding.sampled import Draws, SampledDecoder
from decoding.standing import drop_reason
from decoding.stopwatch import Stopwatch
from decoding.token_meter import TokenMeter
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
        # The ballot floor can only be filled with samples that ran to their end.
        num_warmup = self.num_warmup or min(MAX_WARMUP, self.num_samples // 2)
        return max(2, num_warmup, self.floor)

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        watch, meter = Stopwatch(), TokenMeter(engine)
        trial = _Trial(self, Draws(self, engine, prompt, emit))
        poll = await hold_poll(
            engine, self.num_samples, trial.draw, trial.is_decided, trial.num_wanted
        )
        watch.lap("paths")
        if poll.is_out_of_time:
            trial.settle(poll.counted)
        ballots, num_readmitted = trial.admit(poll.counted)
        elected = elect(ballots) or await fall_back(engine, prompt, ballots, NO_VOTE)
        winner = elected.winner
        poll = replace(poll, counted=ballots)
        watch.lap("select")
        report = DeepConfReport(
            strategy=self.strategy,
            parameters=self.parameters(),
            selected=place_of(winner, poll.ballots),
            answer=winner.answer,
            confidence=None,
            agreement=elected.agreement,
            fallback=elected.fallback,
            stopped=poll.stopped("consensus"),
            num_tokens=meter.num_tokens,
            candidates=tuple(b.candidate(shows_text=self.return_texts) for b in poll.ballots),
            phases_ms=watch.phases_ms,
            window=trial.window,
            threshold=trial.threshold,
            num_readmitted=num_readmitted,
        )
        return Outcome(winner.path, report)


class _Trial:
    """The samples of one request: measured ones first, then those that are held to them."""

    def __init__(self, decoder: DeepConf, draws: Draws) -> None:
        self._decoder = decoder
        self._draws = draws
        self.window = decoder.window or MIN_WINDOW
        self.threshold = -math.inf
        self._steps: dict[int, list[float]] = {}
        self._confidences: list[tuple[float, float]] = []

    async def draw(self, number: int) -> Ballot:
        if number < self._decoder.num_measured:
            path = await self._draws.draw(number, num_logprobs=NUM_LOGPROBS, is_scored=True)
        else:
            watch = GroupWatch(self.window, self.threshold)

            def gives_up(delta: Delta) -> bool:
                return watch.falls_below(delta.ranked)

            path = await self._draws.draw(
                number, num_logprobs=NUM_LOGPROBS, is_scored=True, gives_up=gives_up
            )
        # Here, where samples come in one by one: for all of them at once it would take long.
        self._steps[number] = [token_confidence(step) for step in path.ranked]
        return self._read(path, number)

    def num_wanted(self, launched: Launched) -> int:
        num_measured = self._decoder.num_measured
        measured = [ballot for ballot in launched[:num_measured] if ballot is not None]
        return num_measured if len(measured) < num_measured else self._decoder.num_samples

    def is_decided(self, counted: Sequence[Ballot]) -> bool:
        if len(counted) == self._decoder.num_measured:
            self._measure(counted)
        if len(counted) < self._decoder.num_measured or self._decoder.mode == "offline":
            return False
        admitted, _ = self.admit(counted)
        votes = [(b.vote, b.weight) for b in admitted if b.vote is not None]
        if len(votes) < self._decoder.floor:
            return False
        totals = tally(votes)
        return (share(totals, leader(totals)) or 0.0) >= self._decoder.consensus

    def settle(self, counted: Sequence[Ballot]) -> None:
        """Prepare the vote of samples that the deadline cut down.

        If the warm-up did not come to its end, its complete samples are measured.

        Raises:
            OutOfTime: no sample is complete.
        """
        if all(ballot.is_timed_out for ballot in counted):
            raise OutOfTime
        if not self._confidences:
            self._measure(counted)

    def admit(self, counted: Sequence[Ballot]) -> tuple[list[Ballot], int]:
        """The ballots with their weights, the filtered ones dropped; how many the floor let in."""
        for number in range(len(self._confidences), len(counted)):
            self._confidences.append(self._confidence(number))
        able = [i for i, ballot in enumerate(counted) if ballot.dropped is None]
        passing = {i for i in able if self._confidences[i][0] >= self.threshold}
        rest = sorted(set(able) - passing, key=lambda i: (-self._confidences[i][1], i))
        readmitted = rest[: max(0, self._decoder.floor - len(passing))]
        voting = passing.union(readmitted)
        admitted = []
        for i, ballot in enumerate(counted):
            score = self._confidences[i][1] if self._steps[i] else None
            weight = score or 0.0 if i in voting else 0.0
            dropped = None if i in voting else ballot.dropped or "low_confidence"
            admitted.append(replace(ballot, score=score, weight=weight, dropped=dropped))
        return admitted, len(readmitted)

    def _read(self, path: Path, number: int) -> Ballot:
        answer = extract_answer(path.text, self._decoder.answer)
        dropped = drop_reason(path, answer)
        if path.finish_reason == "abort":
            dropped = "low_confidence"
        model = self._decoder.model_of(number)
        return Ballot(path, answer.value if answer else None, dropped, model=model)

    def _measure(self, counted: Sequence[Ballot]) -> None:
        """Set the window and the threshold by the samples that ran to their end."""
        numbers = [i for i, ballot in enumerate(counted) if not ballot.is_timed_out]
        if self._decoder.window is None:
            mean_length = fmean(len(self._steps[number]) for number in numbers)
            self.window = max(MIN_WINDOW, round(WINDOW_SHARE * mean_length))
        self._confidences = [self._confidence(number) for number in range(len(counted))]
        filtered_by = [self._confidences[number][0] for number in numbers]
        self.threshold = float(np.percentile(filtered_by, 100 - self._decoder.keep_percent))

    def _confidence(self, number: int) -> tuple[float, float]:
        """What the threshold is compared to, and the sample's score. Online the former is the
        lowest group, since a sample on its way can show no more."""
        if not self._steps[number]:  # the deadline cut it off before its first token
            return 0.0, 0.0
        groups = group_confidences(self._steps[number], self.window)
        score = trace_confidence(groups, self._decoder.score)
        return (min(groups) if self._decoder.mode == "online" else score), score
