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

from decoding.concurrency import run_together
from decoding.engine import Engine
from decoding.fallback import fall_back
from decoding.most import MostTokens, Room
from decoding.report import Report
from decoding.sample import Sample, Selection, vote
from decoding.sampled import NOT_COMPLETE, SampledDecoder, Samples
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
    report_type: ClassVar[type[Report]] = BestOfNReport

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

    @property
    def needs_answer(self) -> bool:
        """A reply needs no answer to be scored, but it does need one to vote."""
        return self.selection == "vote"

    async def select(self, samples: Samples) -> Selection | None:
        drawn = await samples.all()
        unscored: Counter[str] = Counter()
        judged = await run_together(
            self._judge(sample, samples.engine, samples.prompt.question, unscored)
            for sample in drawn
        )
        samples.judge(judged)
        samples.details["unscored"] = dict(unscored)
        samples.watch.lap("verify")
        scored = [sample for sample in judged if sample.score is not None]
        if scored and self.selection == "best":
            return Selection(_best(scored))
        if scored and not any(sample.weight for sample in scored):
            return Selection(_best(scored), fallback="no score is above 0; the best is the reply")
        if scored:
            return vote(judged)
        complete = [sample for sample in judged if sample.dropped == "unscored"]
        reason = "the verifier scored no complete sample" if complete else NOT_COMPLETE
        return await fall_back(samples.engine, samples.prompt, complete or judged, reason)

    async def _judge(
        self, sample: Sample, engine: Engine, question: str | None, unscored: Counter[str]
    ) -> Sample:
        if sample.dropped is not None:
            return sample
        claim = Claim(question, sample.text, sample.answer)
        score = await judge(self._verifier, claim, engine, self._timeout_s)
        if isinstance(score, str):
            unscored[score] += 1
            return replace(sample, dropped="unscored")
        weight = max(score, 0.0) if self.selection == "vote" else 0.0
        return replace(sample, score=score, weight=weight)


def _best(scored: Sequence[Sample]) -> Sample:
    highest = max(sample.score or 0.0 for sample in scored)
    best = [sample for sample in scored if sample.score == highest]
    commonest = leader(tally((_said(sample), 1.0) for sample in best))
    return next(sample for sample in best if _said(sample) == commonest)


def _said(sample: Sample) -> str:
    return sample.text if sample.answer is None else sample.answer


def _verifiers(context: Any) -> Verifiers:  # pydantic's validation context, or None
    given = (context or {}).get(VERIFIERS)
    return given if isinstance(given, Verifiers) else Verifiers(built_in_verifiers())
