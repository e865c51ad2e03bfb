"""Best-of-n: samples, each scored by a verifier, of which the best is the reply.

The selection by an outside check is that of Cobbe et al. 2021 (arXiv 2110.14168); `vote` sums the
scores by answer, as their verifier-weighted vote and Li et al. 2022 (arXiv 2206.02336) do.

- `best`: the sample of highest score. Where several have it, which is common for verifiers that
  know few grades, the answer that most of them give, and of that the one launched first.
- `vote`: the answer whose samples have the largest sum of scores; one below 0 adds nothing. Where
  none is above 0 there is no vote: the best is the reply, and the report says so.

A sample that the verifier gives no score, or not before the request's deadline, is not selected,
and the report counts such samples by reason; where none is scored, the likeliest sample is the
reply, and the report says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from decoding.answers import extract_answer
from decoding.ballot import Ballot, Elected, elect, place_of
from decoding.concurrency import run_together
from decoding.decoder import Emit, Outcome
from decoding.engine import Engine, Prompt
from decoding.fallback import fall_back
from decoding.most import MostTokens, Room
from decoding.path import Path
from decoding.report import Report
from decoding.sampled import Draws, SampledDecoder
from decoding.standing import drop_reason
from decoding.stopwatch import Stopwatch
from decoding.token_meter import TokenMeter
from decoding.verifiers import Claim, SelfJudge, Verifier, Verifiers, built_in_verifiers
from decoding.verifiers.built_in import NUM_JUDGED_LOGPROBS
from decoding.verifiers.verifier import judge
from decoding.voting import leader, tally

VERIFIERS = "verifiers"
"""The key of a validation context under which `Verifiers` are handed in."""


class BestOfNReport(Report):
    """`unscored` counts the samples without a score by reason: the verifier gave none
    (`no_verdict`), took too long, also for the request's deadline (`timed_out`), or raised
    (`failed`)."""

    unscored: dict[str, int]


class BestOfN(SampledDecoder):
    """Draws samples, has a verifier score each, and keeps the best or the answer of the largest
    sum of scores."""

    logprobs_field: ClassVar[str] = "verifier"

    strategy: Literal["best_of_n"] = "best_of_n"
    verifier: str = Field(
        "equations",
        validate_default=True,
        description="what scores them: `equations` recomputes their arithmetic, `self_judge` is "
        "the model's own P(yes), `http` the operator's reward model; or one that is installed",
    )
    selection: Literal["best", "vote"] = Field(
        "best", description="keep the highest score, or sum scores by answer"
    )

    _verifier: Verifier = PrivateAttr()
    _timeout_s: float = PrivateAttr()

    @field_validator("verifier")
    @classmethod
    def _is_known(cls, name: str, info: ValidationInfo) -> str:
        verifiers = _verifiers(info.context)
        if name not in verifiers.by_name:
            listed = ", ".join(f'"{known}"' for known in sorted(verifiers.by_name))
            lacks = verifiers.not_set_up.get(name)
            reason = f" ({lacks})" if lacks else ""
            raise ValueError(f"must be one of {listed}{reason}")
        return name

    def model_post_init(self, context: Any) -> None:  # as pydantic has it
        verifiers = _verifiers(context)
        self._verifier = verifiers.by_name[self.verifier]
        self._timeout_s = verifiers.timeout_s

    @property
    def question_field(self) -> str | None:
        return super().question_field or ("verifier" if self._verifier.needs_question else None)

    @property
    def num_logprobs(self) -> int:
        return NUM_JUDGED_LOGPROBS if isinstance(self._verifier, SelfJudge) else 0

    def most_run(self, room: Room) -> MostTokens:
        # One that was written before verifiers could say so says nothing.
        most_of = getattr(self._verifier, "most_tokens", None)
        judged = most_of(room) if most_of is not None else MostTokens()
        return super().most_run(room) + judged * self.num_samples

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        watch, meter = Stopwatch(), TokenMeter(engine)
        paths = await Draws(self, engine, prompt, emit).draw_all()
        watch.lap("paths")
        unscored: Counter[str] = Counter()
        read = [self._read(path, number) for number, path in enumerate(paths)]
        ballots = await run_together(
            self._judge(ballot, engine, prompt.question, unscored) for ballot in read
        )
        watch.lap("verify")
        elected = self._elect(ballots) or await self._fall_back(engine, prompt, ballots)
        winner = elected.winner
        watch.lap("select")
        report = BestOfNReport(
            strategy=self.strategy,
            parameters=self.parameters(),
            selected=place_of(winner, ballots),
            answer=winner.answer,
            confidence=None,
            agreement=elected.agreement,
            fallback=elected.fallback,
            num_tokens=meter.num_tokens,
            candidates=tuple(b.candidate(shows_text=self.return_texts) for b in ballots),
            phases_ms=watch.phases_ms,
            unscored=dict(unscored),
        )
        return Outcome(winner.path, report)

    def _read(self, path: Path, number: int) -> Ballot:
        """A reply needs no answer to be scored, but it does need one to vote."""
        answer = extract_answer(path.text, self.answer)
        dropped = drop_reason(path, answer)
        if dropped == "no_answer" and self.selection == "best":
            dropped = None
        return Ballot(path, answer.value if answer else None, dropped, model=self.model_of(number))

    async def _judge(
        self, ballot: Ballot, engine: Engine, question: str | None, unscored: Counter[str]
    ) -> Ballot:
        if ballot.dropped is not None:
            return ballot
        claim = Claim(question, ballot.path.text, ballot.answer)
        score = await judge(self._verifier, claim, engine, self._timeout_s)
        if isinstance(score, str):
            unscored[score] += 1
            return replace(ballot, dropped="unscored")
        weight = max(score, 0.0) if self.selection == "vote" else 0.0
        return replace(ballot, score=score, weight=weight)

    def _elect(self, ballots: Sequence[Ballot]) -> Elected | None:
        scored = [ballot for ballot in ballots if ballot.score is not None]
        if not scored:
            return None
        if self.selection == "best":
            return Elected(_best(scored), None)
        if not any(ballot.weight for ballot in scored):
            return Elected(_best(scored), None, "no score is above 0; the best is the reply")
        return elect(ballots)

    async def _fall_back(
        self, engine: Engine, prompt: Prompt, ballots: Sequence[Ballot]
    ) -> Elected:
        complete = [ballot for ballot in ballots if ballot.dropped == "unscored"]
        reason = "the verifier scored no complete sample" if complete else "no sample was complete"
        return await fall_back(engine, prompt, complete or ballots, reason)


def _best(scored: Sequence[Ballot]) -> Ballot:
    highest = max(ballot.score or 0.0 for ballot in scored)
    best = [ballot for ballot in scored if ballot.score == highest]
    commonest = leader(tally((_said(ballot), 1.0) for ballot in best))
    return next(ballot for ballot in best if _said(ballot) == commonest)


def _said(ballot: Ballot) -> str:
    return ballot.path.text if ballot.answer is None else ballot.answer


def _verifiers(context: Any) -> Verifiers:  # pydantic's validation context, or None
    given = (context or {}).get(VERIFIERS)
    return given if isinstance(given, Verifiers) else Verifiers(built_in_verifiers())
