"""An engine that counts what it generates."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from decoding.engine import DecodedText, Delta, Engine, Sampling


class MeteredEngine:
    """Another engine, with `num_tokens` that were generated through this one."""

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self.num_tokens = 0

    @property
    def context_length(self) -> int:
        return self._inner.context_length

    @property
    def num_running_tokens(self) -> int:
        return self._inner.num_running_tokens

    async def generate(
        self, token_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]:
        async with aclosing(self._inner.generate(token_ids, sampling)) as deltas:
            async for delta in deltas:
                self.num_tokens += len(delta.token_ids)
                yield delta

    async def score(
        self, prompt_token_ids: Sequence[int], token_ids: Sequence[int], model: str | None = None
    ) -> tuple[float, ...]:
        return await self._inner.score(prompt_token_ids, token_ids, model)

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        return self._inner.decode(token_ids)

    def encode(self, text: str) -> tuple[int, ...]:
        return self._inner.encode(text)

    async def render(
        self, question: str, cue: str = "", *, is_aside: bool = False
    ) -> tuple[int, ...]:
        return await self._inner.render(question, cue, is_aside=is_aside)

    def is_end(self, token_id: int) -> bool:
        return self._inner.is_end(token_id)
