"""A sample as a decoder judges it, and the selection of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from decoding.path import Path
from decoding.report import Candidate, Dropped
from decoding.voting import leader, share, tally


@dataclass(frozen=True, slots=True)
class Sample:
    """A sampled path with its answer, and what it adds to its answer's score.

    `dropped` says why it cannot be selected, None if it can; then its `weight` counts. `confidence`
    is Δ of its answer and `score` what the strategy itself made of it, None where neither was
    measured. `model` drew it, None where the request's own did.
    """

    path: Path
    answer: str | None
    dropped: Dropped | None = None
    weight: float = 0.0
    confidence: float | None = None
    score: float | None = None
    model: str | None = None

    @property
    def text(self) -> str:
        return self.path.text

    @property
    def num_tokens(self) -> int:
        return len(self.path.token_ids)

    @property
    def vote(self) -> str | None:
        """The answer that it votes for, None if it has no vote."""
        return None if self.dropped else self.answer

    @property
    def is_timed_out(self) -> bool:
        return self.path.is_timed_out

    def candidate(self, *, shows_text: bool) -> Candidate:
        return Candidate(
            answer=self.answer,
            confidence=self.confidence,
            weight=self.weight,
            score=self.score,
            mean_logprob=self.path.mean_logprob if self.path.logprobs else None,
            num_tokens=self.num_tokens,
            finish_reason=self.path.finish_reason,
            branch=self.path.branch,
            dropped=self.dropped,
            model=self.model,
            text=self.text if shows_text else None,
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The sample that becomes the reply. `agreement` is the share of all weight that its answer
    holds; `fallback` says why none could be selected and this is the reply all the same."""

    sample: Sample
    agreement: float | None = None
    fallback: str | None = None


def vote(samples: Sequence[Sample]) -> Selection | None:
    """The answer of largest weight, a tie going to the one launched first, by its heaviest sample;
    None where no sample votes."""
    totals = tally((s.vote, s.weight) for s in samples if s.vote is not None)
    if not totals:
        return None
    best = leader(totals)
    heaviest = max((s for s in samples if s.vote == best), key=lambda s: s.weight)
    return Selection(heaviest, share(totals, best))


def place_of(sample: Sample, samples: Sequence[Sample]) -> int:
    return next(i for i, one in enumerate(samples) if one is sample)
