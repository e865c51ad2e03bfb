"""What all decoders have in common that draw samples: how many, how freely, of which models."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from decoding.answers import Answer, extract_answer
from decoding.concurrency import run_together
from decoding.decoder import Decoder, Emit, Outcome, Progress
from decoding.drawing import Drawn, Launched, draw_until
from decoding.eligibility import drop_reason
from decoding.engine import Delta, Engine, Prompt, Sampling
from decoding.fallback import fall_back
from decoding.most import MostTokens, Room
from decoding.path import Path, collect_path
from decoding.report import Report, Stopped
from decoding.sample import Sample, Selection, place_of
from decoding.stopwatch import Stopwatch
from decoding.token_meter import TokenMeter

MAX_SEED = 2**62
NO_SEED = -1
"""vLLM's way to write that a request has none."""
NO_VOTE = "no sample was complete with an answer"
NOT_COMPLETE = "no sample was complete"
NOT_SELECTED = "no sample was selected"

GivesUp = Callable[[Delta], bool]


class NothingComplete(Exception):
    """No sample can be selected."""


class SampledDecoder(Decoder):
    """Draws `num_samples` paths; `select` says which becomes the reply.

    Sample i of a seeded request has the seed plus i, as vLLM's `n` has it; sample i of an ensemble
    is drawn by model i modulo their number. A subclass with fields of its own in the report names
    its `report_type`.
    """

    fan_out_field: ClassVar[str | None] = "num_samples"
    report_type: ClassVar[type[Report]] = Report

    num_samples: int = Field(8, ge=2, description="how many samples to draw")
    temperature: float = Field(0.7, gt=0, le=2, description="how freely they are drawn")
    top_p: float | None = Field(None, gt=0, le=1, description="as in OpenAI's API")
    top_k: int | None = Field(None, ge=1, description="as in vLLM's API")
    seed: int | None = Field(
        None, ge=0, le=MAX_SEED, description="repeats the samples; sample i has the seed plus i"
    )
    models: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        None,
        min_length=2,
        description="an ensemble: served models and LoRA adapters that draw samples in turn",
    )

    @field_validator("seed", mode="before")
    @classmethod
    def _none_is_none(cls, seed: object) -> object:
        return None if isinstance(seed, int) and seed == NO_SEED else seed

    @field_validator("models")
    @classmethod
    def _all_have_a_say(cls, models: tuple[str, ...] | None, info: ValidationInfo) -> object:
        num_samples = info.data.get("num_samples", 0)
        if models is not None and "num_samples" in info.data and len(models) > num_samples:
            raise ValueError(f"must be at most num_samples, {num_samples}, of them")
        return models

    @property
    def num_paths(self) -> int:
        return self.num_samples

    def most_run(self, room: Room) -> MostTokens:
        # Where no sample is selected, each may be scored, for which the engine generates a token.
        return super().most_run(room) + MostTokens(generated=self.num_samples)

    def model_of(self, number: int) -> str | None:
        """Who draws this sample; None is the model that the request names."""
        return self.models[number % len(self.models)] if self.models else None

    @property
    def needs_answer(self) -> bool:
        """Whether only a sample that gives an answer can be selected."""
        return False

    @property
    def may_be_truncated(self) -> bool:
        """Whether a sample that the token limit cut off can be selected."""
        return False

    @property
    def num_sample_logprobs(self) -> int:
        """How many log-probabilities a token samples are drawn with."""
        return 0

    @property
    def scores_samples(self) -> bool:
        """Whether samples are drawn with the log-probabilities of their own tokens."""
        return False

    def read(self, path: Path, number: int) -> Sample:
        """The sample of this number, with its answer or the reason why it cannot be selected."""
        answer = extract_answer(path.text, self.answer)
        dropped = drop_reason(
            path,
            answer,
            needs_answer=self.needs_answer,
            may_be_truncated=self.may_be_truncated,
        )
        sample = Sample(
            path, answer.value if answer else None, dropped, model=self.model_of(number)
        )
        return self.weigh(sample, answer)

    def weigh(self, sample: Sample, answer: Answer | None) -> Sample:
        """The sample with what it adds to its answer's score."""
        return sample

    @abstractmethod
    async def select(self, samples: "Samples") -> Selection | None:
        """The sample that becomes the reply; where it is None, the likeliest sample does."""

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        meter = TokenMeter(engine)
        samples = Samples(self, engine, prompt, emit)
        try:
            selection = await self.select(samples)
        except NothingComplete:
            selection = None
        if selection is None:
            drawn = await samples.all()
            reason = NO_VOTE if self.needs_answer else NOT_COMPLETE
            if any(sample.dropped is None for sample in drawn):
                reason = NOT_SELECTED
            selection = await fall_back(engine, prompt, drawn, reason)
        samples.watch.lap("select")
        chosen = selection.sample
        report = self.report_type(
            strategy=self.strategy,
            parameters=self.parameters(),
            selected=place_of(chosen, samples.shown),
            answer=chosen.answer,
            confidence=chosen.confidence,
            agreement=selection.agreement,
            fallback=selection.fallback,
            stopped=samples.stopped(),
            num_tokens=meter.num_tokens,
            candidates=tuple(s.candidate(shows_text=self.return_texts) for s in samples.shown),
            phases_ms=samples.watch.phases_ms,
            **samples.details,
        )
        return Outcome(chosen.path, report)


class Samples:
    """The samples of one request, which are drawn when the decoder asks for them.

    `engine` and `prompt` are the request's. What a decoder puts into `details` becomes further
    fields of its report.
    """

    def __init__(self, decoder: SampledDecoder, engine: Engine, prompt: Prompt, emit: Emit) -> None:
        self.engine = engine
        self.prompt = prompt
        self.details: dict[str, Any] = {}  # each report has its own fields
        self.watch = Stopwatch()
        self._decoder = decoder
        self._emit = emit
        self._num_finished = 0
        self._drawn: Drawn | None = None
        self._rule = ""

    @property
    def counted(self) -> Sequence[Sample]:
        """Those that count, in launch order."""
        return self._drawn.counted if self._drawn else ()

    @property
    def shown(self) -> Sequence[Sample]:
        """Those that the report shows: the counted ones, and those that came in too late."""
        return self._drawn.samples if self._drawn else ()

    @property
    def is_out_of_time(self) -> bool:
        """Whether the request's deadline ended the drawing."""
        return self._drawn is not None and self._drawn.is_out_of_time

    async def all(self) -> Sequence[Sample]:
        """All samples, in launch order."""
        if self._drawn is None:
            numbers = range(self._decoder.num_samples)
            self._drawn = Drawn(await run_together(map(self._draw, numbers)))
            self.watch.lap("paths")
        return self.counted

    async def complete(self) -> Sequence[Sample]:
        """All samples that may be selected, in launch order.

        Raises:
            NothingComplete: there is none.
        """
        complete = [sample for sample in await self.all() if sample.dropped is None]
        if not complete:
            raise NothingComplete
        return complete

    async def until(
        self,
        rule: str,
        is_decided: Callable[[Sequence[Sample]], bool],
        num_wanted: Callable[[Launched], int],
        gives_up: Callable[[int], GivesUp | None] = lambda number: None,
    ) -> Sequence[Sample]:
        """Draw until a rule decides, and abort the rest; as `decoding.drawing.draw_until`.

        Args:
            rule: its name in the report.
            gives_up: for the sample of this number, what is asked of each of its deltas whether to
                abort it there.
        """

        def draw(number: int) -> Coroutine[Any, Any, Sample]:
            return self._draw(number, gives_up(number))

        num_samples = self._decoder.num_samples
        self._drawn = await draw_until(self.engine, num_samples, draw, is_decided, num_wanted)
        self._rule = rule
        self.watch.lap("paths")
        return self.counted

    def judge(self, samples: Sequence[Sample]) -> None:
        """Put these, with their scores and weights, in place of the counted ones."""
        assert self._drawn is not None, "nothing was drawn"
        self._drawn = replace(self._drawn, counted=samples)

    def stopped(self) -> Stopped | None:
        return self._drawn.stopped(self._rule) if self._drawn else None

    async def _draw(self, number: int, gives_up: GivesUp | None = None) -> Sample:
        decoder = self._decoder
        sampling = Sampling(
            max_tokens=self.prompt.max_tokens,
            temperature=decoder.temperature,
            top_p=decoder.top_p,
            top_k=decoder.top_k,
            seed=None if decoder.seed is None else decoder.seed + number,
            num_logprobs=decoder.num_sample_logprobs,
            is_scored=decoder.scores_samples,
            is_watched=gives_up is not None,
            model=decoder.model_of(number),
            branch=number,
        )
        path = await collect_path(self.engine, self.prompt, sampling, gives_up=gives_up)
        if not path.is_timed_out:
            self._num_finished += 1
            self._emit(Progress(self._num_finished, decoder.num_samples))
        return decoder.read(path, number)
