"""What every decoder is: a frozen value that is run over an engine."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from decoding.answers import AnswerFormat, is_same_answer
from decoding.engine import Delta, Engine, Prompt
from decoding.most import MostTokens, Room
from decoding.path import Path
from decoding.prompting import Prompting, most_staged, stage_prompt
from decoding.report import Report
from decoding.retrieval import Retrieval
from decoding.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a decoder's paths are complete."""

    finished: int
    total: int


Emit = Callable[[Progress | Delta], None]
"""Told of progress, and of the winner's deltas by a decoder that knows the winner in advance.

A callable and not an async generator: a decoder runs its paths in a task group, and a task group
must not be suspended by a yield (PEP 789).
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The path that becomes the reply, and how it was found.

    `prompt` is what the path continues where that is not the client's own prompt.
    """

    winner: Path
    report: Report
    prompt: Prompt | None = None


class Decoder(BaseModel):
    """Fields are hyperparameters; `run` is the algorithm.

    `fan_out_field` names the field that sets how many paths run at once, for limits and their
    error messages; None where there is a single path. `logprobs_field` names the one that makes
    log-probabilities needed. A decoder whose `is_greedy` is true never
    samples, so a request's sampling parameters contradict it. One that `forces_tokens` begins its
    paths with tokens that were not generated there, which grammars, penalties and budgets would
    not see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    fan_out_field: ClassVar[str | None] = None
    logprobs_field: ClassVar[str] = "strategy"
    is_greedy: ClassVar[bool] = False
    forces_tokens: ClassVar[bool] = False

    strategy: str
    answer: AnswerFormat = Field(
        "auto", description='what counts as the answer: a kind, or `{"pattern": …}`'
    )
    prompt_template: Literal["qa"] | None = Field(
        None, description="`qa` wraps a /v1/completions prompt as `Q: …\\nA:`, for base models"
    )
    prompting: Prompting | None = Field(
        None,
        description="put to the question first: `step_by_step`, `step_back` or `analogical`",
    )
    retrieval: Retrieval | None = Field(
        None,
        description="put in front of the question what a `collection` has on it: at most "
        "`num_passages` (5) of similarity `min_score`",
    )
    reference: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="the right answer, where it is known, to score the reply by; the model never "
        "sees it",
    )
    return_texts: bool = Field(False, description="show every candidate's text in the report")
    progress: bool | None = Field(
        None,
        description="whether a stream carries comments, which strict readers of streams may not "
        "know; as the server has it if unset",
    )

    @property
    def question_field(self) -> str | None:
        """The field because of which the request must have a question in words: it has the decoder
        ask more than the prompt. None where it need not."""
        given = {"prompting": self.prompting, "retrieval": self.retrieval}
        return next((name for name, value in given.items() if value is not None), None)

    @property
    def reads_distributions(self) -> bool:
        """Whether paths are judged by what each token's whole distribution looks like, which a
        grammar would cut down."""
        return False

    @property
    def idle_fields(self) -> frozenset[str]:
        """Those that have no effect beside the others."""
        return frozenset()

    @property
    def num_paths(self) -> int:
        """How many paths may run at the same time."""
        return 1

    @property
    def num_logprobs(self) -> int:
        """The largest number of log-probabilities a token that is asked of the engine."""
        return 0

    def most_tokens(self, room: Room) -> MostTokens:
        """The most that a request may cost which has so much room, its prompting stage included."""
        staged, stage = room, MostTokens()
        if self.prompting is not None:
            staged, stage = most_staged(self.prompting, room)
        return MostTokens(prompt=staged.num_prompt_tokens) + stage + self.most_run(staged)

    def most_run(self, room: Room) -> MostTokens:
        """Likewise of `run`, without the prompt that its paths share."""
        return MostTokens(generated=self.num_paths * room.max_tokens)

    @abstractmethod
    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        """Find the reply. Cancelling this stops every path.

        Where the engine's deadline passes, the reply is found among the paths that were complete.

        Raises:
            OutOfTime: none was.
        """

    async def answer_prompt(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        """`run`, after the prompting stage and before the scoring that the request asks for."""
        outcome = await self._answer_staged(engine, prompt, emit)
        changes: dict[str, object] = {"timed_out": engine.timed_out}
        if self.reference is not None:
            answer = outcome.report.answer
            changes["is_right"] = is_same_answer(answer, self.reference, self.answer)
        return replace(outcome, report=outcome.report.model_copy(update=changes))

    async def _answer_staged(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        if self.prompting is None:
            return await self.run(engine, prompt, emit)
        watch = Stopwatch()
        staged = await stage_prompt(self.prompting, engine, prompt)
        watch.lap("prompting")
        outcome = await self.run(engine, staged.prompt, emit)
        report = outcome.report
        changes: dict[str, object] = {
            "prompting": staged.report,
            "num_tokens": report.num_tokens + staged.report.num_tokens,
            "phases_ms": watch.phases_ms | report.phases_ms,
        }
        return Outcome(outcome.winner, report.model_copy(update=changes), staged.prompt)

    def parameters(self) -> dict[str, Any]:  # each strategy has its own fields
        """The parameters as run, without those that have no effect on it."""
        idle = {"strategy", "reference", "progress", *self.idle_fields}
        return self.model_dump(mode="json", exclude=idle, exclude_none=True)
