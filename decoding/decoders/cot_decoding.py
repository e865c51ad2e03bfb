"""CoT-decoding (Wang & Zhou 2024, arXiv 2402.10200).

Section 2.2: take the top-k first tokens, continue each greedily, and prefer the answer that the
model is surest of, Δ being averaged over the answer's tokens alone. Section 2.3: summing Δ over
the paths that give an answer ("aggregate") is steadier than the single largest Δ ("max").

Deviations:
- a path that is empty, cut off by the token limit or without an answer is dropped; where none
  remains the greedy path is the reply, and the report says so;
- paths that the request's deadline cut off are dropped, too; the fallback is then the first opening
  whose path was not;
- the paper's "So the answer is" extension is used only when no complete path states an answer
  of its own and the request left the answer's kind to `auto`, since it costs a second round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from pydantic import Field

from decoding.answers import Answer, extract_answer
from decoding.concurrency import run_together
from decoding.confidence import answer_confidence
from decoding.decoder import Decoder, Emit, Outcome, Progress
from decoding.eligibility import drop_reason
from decoding.engine import Engine, OutOfTime, Prompt, Ranked, Sampling
from decoding.most import MostTokens, Room
from decoding.path import Path, collect_path
from decoding.report import Candidate, Dropped, Report
from decoding.stopwatch import Stopwatch
from decoding.voting import leader, share, tally

ANSWER_CUE = "\nSo the answer is"
MAX_CUED_TOKENS = 32
TOP_TWO = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """A path with its answer and Δ, or the reason why it does not stand for selection."""

    path: Path
    answer: str | None
    confidence: float | None
    dropped: Dropped | None
    num_tokens: int

    @property
    def weight(self) -> float:
        return self.confidence if self.confidence is not None and not self.dropped else 0.0


class CoTDecoding(Decoder):
    """Branches at the first token, continues each branch greedily and keeps the answer that
    the model is surest of."""

    fan_out_field: ClassVar[str | None] = "k"
    logprobs_field: ClassVar[str] = "k"
    is_greedy: ClassVar[bool] = True
    forces_tokens: ClassVar[bool] = True

    strategy: Literal["cot_decoding"] = "cot_decoding"
    k: int = Field(10, ge=1, description="how many first tokens to branch on")
    selection: Literal["aggregate", "max"] = Field(
        "aggregate", description="sum Δ over the paths of an answer, or take the largest Δ"
    )

    @property
    def num_paths(self) -> int:
        return self.k

    @property
    def num_logprobs(self) -> int:
        return max(self.k, TOP_TWO)

    def most_run(self, room: Room) -> MostTokens:
        may_cue = self.answer == "auto"
        return super().most_run(room) + MostTokens(generated=self.k * MAX_CUED_TOKENS * may_cue)

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        watch = Stopwatch()
        probe = Sampling(max_tokens=1, num_logprobs=self.num_logprobs)
        opening = await collect_path(engine, prompt, probe)
        if opening.is_timed_out:
            raise OutOfTime
        first = opening.ranked[0]
        watch.lap("probe")
        paths = await self._continue_greedily(engine, prompt, first, emit)
        watch.lap("paths")
        scored = [self._score(path) for path in paths]
        is_silent = self.answer == "auto" and not any(s.answer for s in scored)
        if is_silent and not engine.timed_out:
            scored = await _cue_answers(engine, prompt, scored)
            watch.lap("cue")
        return self._select(scored, watch)

    async def _continue_greedily(
        self, engine: Engine, prompt: Prompt, first: Ranked, emit: Emit
    ) -> list[Path]:
        sampling = Sampling(max_tokens=prompt.max_tokens - 1, num_logprobs=TOP_TWO)
        num_finished = 0

        async def follow(branch: int, token_id: int) -> Path:
            nonlocal num_finished
            path = await collect_path(
                engine,
                prompt,
                replace(sampling, branch=branch),
                prefix=(token_id,),
                prefix_ranked=(first,),
            )
            if not path.is_timed_out:
                num_finished += 1
                emit(Progress(num_finished, num_branches))
            return path

        branches = first[: self.k]
        num_branches = len(branches)
        return await run_together(
            follow(branch, token_id) for branch, (token_id, _) in enumerate(branches)
        )

    def _score(self, path: Path) -> Scored:
        answer = extract_answer(path.text, self.answer)
        return _scored(path, answer, len(path.token_ids))

    def _select(self, scored: Sequence[Scored], watch: Stopwatch) -> Outcome:
        standing = [s for s in scored if s.dropped is None]
        totals = tally((s.answer, s.weight) for s in standing if s.answer is not None)
        if not standing:
            winner, agreement = _first_ended(scored), None
            fallback = "no path was complete with an answer"
        else:
            rivals = standing
            if self.selection == "aggregate":
                rivals = [s for s in standing if s.answer == leader(totals)]
            winner = max(rivals, key=lambda s: s.weight)
            agreement, fallback = share(totals, winner.answer or ""), None
        watch.lap("select")
        report = Report(
            strategy=self.strategy,
            parameters=self.parameters(),
            selected=next(i for i, s in enumerate(scored) if s is winner),
            answer=winner.answer,
            confidence=winner.confidence,
            agreement=agreement,
            fallback=fallback,
            num_tokens=sum(s.num_tokens for s in scored),
            candidates=tuple(self._candidate(s) for s in scored),
            phases_ms=watch.phases_ms,
        )
        return Outcome(winner.path, report)

    def _candidate(self, scored: Scored) -> Candidate:
        return Candidate(
            answer=scored.answer,
            confidence=scored.confidence,
            weight=scored.weight,
            num_tokens=scored.num_tokens,
            finish_reason=scored.path.finish_reason,
            branch=scored.path.branch,
            dropped=scored.dropped,
            text=scored.path.text if self.return_texts else None,
        )


def _scored(path: Path, answer: Answer | None, num_tokens: int) -> Scored:
    confidence = answer_confidence(path, answer) if answer else None
    return Scored(
        path, answer.value if answer else None, confidence, drop_reason(path, answer), num_tokens
    )


def _first_ended(scored: Sequence[Scored]) -> Scored:
    """The greedy path, or the next one that the deadline did not cut off."""
    ended = [s for s in scored if not s.path.is_timed_out]
    if not ended:
        raise OutOfTime
    return ended[0]


async def _cue_answers(engine: Engine, prompt: Prompt, scored: Sequence[Scored]) -> list[Scored]:
    """Score what each complete path says after "So the answer is" (section 2.2)."""
    cue = engine.encode(ANSWER_CUE)

    async def ask(of: Scored) -> Scored:
        said = of.path.token_ids
        if engine.is_end(said[-1]):
            said = said[:-1]
        token_ids = (*prompt.token_ids, *said, *cue)
        max_tokens = min(MAX_CUED_TOKENS, engine.context_length - len(token_ids))
        if of.dropped != "no_answer" or max_tokens < 1:
            return of
        cued = Prompt(token_ids, max_tokens, stop=("\n",))
        sampling = Sampling(
            max_tokens=max_tokens, num_logprobs=TOP_TWO, is_aside=True, stop=cued.stop
        )
        continuation = await collect_path(engine, cued, sampling)
        answer = extract_answer(continuation.text, "text")
        num_tokens = of.num_tokens + len(continuation.token_ids)
        if answer is None or continuation.is_timed_out:
            return Scored(of.path, None, None, "no_answer", num_tokens)
        confidence = answer_confidence(continuation, answer)
        return Scored(of.path, answer.value, confidence, None, num_tokens)

    return await run_together([ask(s) for s in scored])
