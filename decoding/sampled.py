"""What all decoders have in common that draw samples: how many, how freely, of which models."""

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from decoding.concurrency import run_together
from decoding.decoder import Decoder, Emit, Progress
from decoding.engine import Delta, Engine, Prompt, Sampling
from decoding.most import MostTokens, Room
from decoding.path import Path, collect_path

MAX_SEED = 2**62
NO_SEED = -1
"""vLLM's way to write that a request has none."""


class SampledDecoder(Decoder):
    """Draws `num_samples` paths. Sample i of a seeded request has the seed plus i, as vLLM's `n`
    has it; sample i of an ensemble is drawn by model i modulo their number."""

    fan_out_field: ClassVar[str | None] = "num_samples"

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


class Draws:
    """The samples of one request, by number; tells of progress."""

    def __init__(self, decoder: SampledDecoder, engine: Engine, prompt: Prompt, emit: Emit) -> None:
        self._decoder = decoder
        self._engine = engine
        self._prompt = prompt
        self._emit = emit
        self._num_finished = 0

    async def draw(
        self,
        number: int,
        *,
        num_logprobs: int = 0,
        is_scored: bool = False,
        gives_up: Callable[[Delta], bool] | None = None,
    ) -> Path:
        """One sample. `gives_up` is asked of every delta whether to abort it there."""
        decoder = self._decoder
        sampling = Sampling(
            max_tokens=self._prompt.max_tokens,
            temperature=decoder.temperature,
            top_p=decoder.top_p,
            top_k=decoder.top_k,
            seed=None if decoder.seed is None else decoder.seed + number,
            num_logprobs=num_logprobs,
            is_scored=is_scored,
            is_watched=gives_up is not None,
            model=decoder.model_of(number),
            branch=number,
        )
        path = await collect_path(self._engine, self._prompt, sampling, gives_up=gives_up)
        if not path.is_timed_out:
            self._num_finished += 1
            self._emit(Progress(self._num_finished, decoder.num_samples))
        return path

    async def draw_all(self) -> list[Path]:
        return await run_together(map(self.draw, range(self._decoder.num_samples)))
