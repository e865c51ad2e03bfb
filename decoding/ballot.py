"""A sample that was read and judged, and what it adds to its answer's score."""

from collections.abc import Sequence
from dataclasses import dataclass

from decoding.path import Path
from decoding.report import Candidate, Dropped
from decoding.voting import leader, share, tally


@dataclass(frozen=True, slots=True)
class Ballot:
    """A sample, and what it adds to its answer's score: nothing when it was dropped.

    `confidence` is Δ of its answer and `score` what the strategy itself made of it, None where
    neither was measured. `model` drew it, None where the request's own did.
    """

    path: Path
    answer: str | None
    dropped: Dropped | None
    weight: float = 0.0
    confidence: float | None = None
    score: float | None = None
    model: str | None = None

    @property
    def vote(self) -> str | None:
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
            num_tokens=len(self.path.token_ids),
            finish_reason=self.path.finish_reason,
            branch=self.path.branch,
            dropped=self.dropped,
            model=self.model,
            text=self.path.text if shows_text else None,
        )


NO_VOTE = "no sample was complete with an answer"


@dataclass(frozen=True, slots=True)
class Elected:
    """Who won. `agreement` is the share of all weight that its answer holds; `fallback` says why
    nobody did and this is the reply all the same."""

    winner: Ballot
    agreement: float | None
    fallback: str | None = None


def elect(ballots: Sequence[Ballot]) -> Elected | None:
    """The answer of largest weight, a tie going to the one launched first, by its heaviest sample;
    None where no sample votes."""
    totals = tally((b.vote, b.weight) for b in ballots if b.vote is not None)
    if not totals:
        return None
    best = leader(totals)
    winner = max((b for b in ballots if b.vote == best), key=lambda b: b.weight)
    return Elected(winner, share(totals, best))


def place_of(winner: Ballot, ballots: Sequence[Ballot]) -> int:
    return next(i for i, ballot in enumerate(ballots) if ballot is winner)
