"""Samples that were recorded once, as an engine: decoders run over them as over a model.

A sample is one token to this engine, so that a decoder's own code reads its text, its score and
its confidence, counts it and stops.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from decoding.engine import DecodedText, Delta, Prompt, Ranked, Sampling

PROMPT_TOKEN = 0
OTHER_TOKEN = -1
"""Stands for all that a sample might have said instead."""


@dataclass(frozen=True, slots=True)
class RecordedSample:
    """What one sample said; `mean_logprob` per token and `confidence` (Δ, 0..1) where known."""

    text: str
    mean_logprob: float | None = None
    confidence: float | None = None


@dataclass
class RecordedEngine:
    """Each path that is begun gives the next sample, in the order of the recording.

    A log-probability or confidence that was not recorded is 0, which makes samples equal. A decoder
    that asks for more samples than were recorded fails: ValueError.
    """

    samples: Sequence[RecordedSample]
    context_length: int = 2**31
    _num_begun: int = field(default=0, init=False)

    @property
    def prompt(self) -> Prompt:
        return Prompt((PROMPT_TOKEN,), max_tokens=1)

    @property
    def num_tokens(self) -> int:
        return self._num_begun

    @property
    def seconds_left(self) -> float:
        return math.inf

    @property
    def timed_out(self) -> bool:
        return False

    async def generate(
        self, token_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]:
        if self._num_begun == len(self.samples):
            raise ValueError(f"only {len(self.samples)} samples were recorded")
        self._num_begun += 1
        token_id = self._num_begun
        sample = self.samples[token_id - 1]
        ranked = (_ranked(token_id, sample),) if sampling.num_logprobs else ()
        scored = (sample.mean_logprob or 0.0,) if sampling.is_scored else ()
        yield Delta((token_id,), ranked, "stop", logprobs=scored)

    async def abort_paths(self) -> None:
        """There is none: a sample is complete as soon as it has begun."""

    async def score(
        self, prompt_token_ids: Sequence[int], token_ids: Sequence[int], model: str | None = None
    ) -> tuple[float, ...]:
        return tuple(self.samples[token_id - 1].mean_logprob or 0.0 for token_id in token_ids)

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        text, ends = "", []
        for token_id in token_ids:
            text += self.samples[token_id - 1].text
            ends.append(len(text))
        return DecodedText(text, tuple(ends))

    def encode(self, text: str) -> tuple[int, ...]:
        raise ValueError("recorded samples cannot be continued")

    async def render(
        self, question: str, cue: str = "", *, is_aside: bool = False
    ) -> tuple[int, ...]:
        raise ValueError("recorded samples cannot be asked anything")

    def is_end(self, token_id: int) -> bool:
        return False

    def stop_reason_of(self, token_id: int) -> int | None:
        return None


def _ranked(token_id: int, sample: RecordedSample) -> Ranked:
    """Two probabilities that differ by the sample's confidence, so that Δ is that confidence."""
    confidence = sample.confidence or 0.0
    chances = ((token_id, (1 + confidence) / 2), (OTHER_TOKEN, (1 - confidence) / 2))
    return tuple((token, math.log(chance)) for token, chance in chances if chance > 0)
