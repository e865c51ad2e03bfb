"""Self-consistency (Wang et al. 2022, arXiv 2203.11171): the answer that most samples give.

Section 2: sample several paths and take the answer with most votes. Weights are those of its
table 1: a vote counts 1 (`count`), or the path's length-normalised probability, exp of the mean
log-probability of its tokens (`probability`), summed over the paths of an answer; `confidence` is Δ
of CoT-decoding (Wang & Zhou 2024, arXiv 2402.10200).

All samples start at once, since a round would wait for its longest, and are counted in the order
in which they were launched: counted as they arrive, short samples would outvote long ones.
When `decoding.stopping` says that the vote is decided, the rest is aborted.

Deviations:
- the stopping rules look at counts also where votes have weights;
- samples that are empty, cut off by the token limit or without an answer are used and do not vote;
  where none votes, the reply is the likeliest sample, and the report says so;
- sample i of a seeded request has the seed plus i, as vLLM's `n` has it.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from decoding.answers import extract_answer
from decoding.concurrency import task_group
from decoding.confidence import answer_confidence
from decoding.decoder import Decoder, Emit, Outcome, Progress
from decoding.engine import Engine, Prompt, Sampling
from decoding.path import Path, collect_path
from decoding.report import Candidate, Dropped, Report, Stopped
from decoding.standing import drop_reason
from decoding.stopping import beta_decides, window_decides
from decoding.stopwatch import Stopwatch
from decoding.voting import leader, share, tally

MAX_SEED = 2**62
TOP_TWO = 2


@dataclass(frozen=True, slots=True)
class Ballot:
    """A sample, and what it adds to its answer's score: nothing when it was dropped."""

    path: Path
    answer: str | None
    confidence: float | None
    weight: float
    dropped: Dropped | None

    @property
    def vote(self) -> str | None:
        return None if self.dropped else self.answer


@dataclass(frozen=True, slots=True)
class Poll:
    """The ballots of a vote in launch order, and what came of the samples that it did not need."""

    ballots: Sequence[Ballot]
    surplus: Sequence[Ballot]
    num_aborted: int
    num_aborted_tokens: int

    @property
    def num_tokens(self) -> int:
        collected = (*self.ballots, *self.surplus)
        return self.num_aborted_tokens + sum(len(b.path.token_ids) for b in collected)


class MajorityVote(Decoder):
    """Draws samples, all at once, and keeps the answer that most of them give; the rest is
    aborted as soon as the vote is decided."""

    fan_out_field: ClassVar[str | None] = "num_samples"

    strategy: Literal["majority_vote"] = "majority_vote"
    num_samples: int = Field(8, ge=2, description="how many samples to draw")
    temperature: float = Field(0.7, gt=0, le=2, description="how freely they are drawn")
    top_p: float | None = Field(None, gt=0, le=1, description="as in OpenAI's API")
    top_k: int | None = Field(None, ge=1, description="as in vLLM's API")
    seed: int | None = Field(
        None, ge=0, le=MAX_SEED, description="repeats the samples; sample i has the seed plus i"
    )
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

    @field_validator("window", "min_votes")
    @classmethod
    def _can_be_reached(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("stop") == "none":
            raise ValueError('has no effect with stop "none"; leave it out')
        num_samples = info.data.get("num_samples", value)
        if value > num_samples:
            raise ValueError(f"must be at most num_samples, {num_samples}")
        return value

    @property
    def num_paths(self) -> int:
        return self.num_samples

    @property
    def num_logprobs(self) -> int:
        return TOP_TWO if self.weight == "confidence" else 0

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        watch = Stopwatch()
        poll = await self._hold(engine, prompt, emit)
        watch.lap("paths")
        return self._select(poll, watch)

    async def _hold(self, engine: Engine, prompt: Prompt, emit: Emit) -> Poll:
        """Ask every sample at once and count them in launch order until the vote is decided."""
        num_finished = 0

        async def draw(number: int) -> Path:
            nonlocal num_finished
            path = await collect_path(engine, prompt, self._sampling(prompt, number))
            num_finished += 1
            emit(Progress(num_finished, self.num_samples))
            return path

        ballots: list[Ballot] = []
        async with task_group() as group:
            samples = [group.create_task(draw(number)) for number in range(self.num_samples)]
            for sample in samples:
                ballots.append(self._count(await sample))
                if self._is_decided(ballots):
                    break
            arrived = [sample.result() for sample in samples[len(ballots) :] if sample.done()]
            num_running_tokens = engine.num_running_tokens
            num_aborted = _cancel(samples)
        surplus = [self._count(path, is_surplus=True) for path in arrived]
        return Poll(ballots, surplus, num_aborted, num_running_tokens)

    def _sampling(self, prompt: Prompt, number: int) -> Sampling:
        return Sampling(
            max_tokens=prompt.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            seed=None if self.seed is None else self.seed + number,
            num_logprobs=self.num_logprobs,
            is_scored=True,
        )

    def _count(self, path: Path, *, is_surplus: bool = False) -> Ballot:
        answer = extract_answer(path.text, self.answer)
        dropped = drop_reason(path, answer, may_be_truncated=self.count_truncated)
        confidence = None
        if answer is not None and self.weight == "confidence":
            confidence = answer_confidence(path, answer)
        if is_surplus:
            dropped = "surplus"
        weight = 0.0 if dropped else self._weigh(path, confidence)
        return Ballot(path, answer.value if answer else None, confidence, weight, dropped)

    def _weigh(self, path: Path, confidence: float | None) -> float:
        match self.weight:
            case "count":
                return 1.0
            case "probability":
                return math.exp(path.mean_logprob)
            case "confidence":
                return confidence or 0.0

    def _is_decided(self, ballots: Sequence[Ballot]) -> bool:
        votes = [ballot.vote for ballot in ballots]
        if sum(vote is not None for vote in votes) < self.min_votes:
            return False
        match self.stop:
            case "beta":
                return beta_decides(votes, self.threshold)
            case "window":
                return window_decides(votes, self.window)
            case "none":
                return False

    def _select(self, poll: Poll, watch: Stopwatch) -> Outcome:
        totals = tally((b.vote, b.weight) for b in poll.ballots if b.vote is not None)
        if totals:
            best = leader(totals)
            winner = max((b for b in poll.ballots if b.vote == best), key=lambda b: b.weight)
            agreement, fallback = share(totals, best), None
        else:
            winner = max(poll.ballots, key=lambda b: b.path.mean_logprob)
            agreement, fallback = None, "no sample was complete with an answer"
        candidates = (*poll.ballots, *poll.surplus)
        watch.lap("select")
        report = Report(
            strategy=self.strategy,
            parameters=self.parameters(),
            selected=next(i for i, ballot in enumerate(candidates) if ballot is winner),
            answer=winner.answer,
            confidence=winner.confidence,
            agreement=agreement,
            fallback=fallback,
            stopped=self._stopped(poll),
            num_tokens=poll.num_tokens,
            candidates=tuple(map(self._candidate, candidates)),
            phases_ms=watch.phases_ms,
        )
        return Outcome(winner.path, report)

    def _stopped(self, poll: Poll) -> Stopped | None:
        num_used = len(poll.ballots)
        if num_used == self.num_samples:
            return None
        return Stopped(
            rule=self.stop,
            num_used=num_used,
            num_aborted=poll.num_aborted,
            num_aborted_tokens=poll.num_aborted_tokens,
        )

    def _candidate(self, ballot: Ballot) -> Candidate:
        return Candidate(
            answer=ballot.answer,
            confidence=ballot.confidence,
            weight=ballot.weight,
            mean_logprob=ballot.path.mean_logprob,
            num_tokens=len(ballot.path.token_ids),
            finish_reason=ballot.path.finish_reason,
            dropped=ballot.dropped,
            text=ballot.path.text if self.return_texts else None,
        )


def _cancel(tasks: Sequence[asyncio.Task[Path]]) -> int:
    """Cancels those that are not done and says how many they were."""
    return sum(task.cancel() for task in tasks)
