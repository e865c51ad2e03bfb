"""Counting what a decoder generates."""

from decoding.engine import Engine


class TokenMeter:
    """How many tokens an engine generated since the meter was made, discarded ones included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._num_before = engine.num_tokens

    @property
    def num_tokens(self) -> int:
        return self._engine.num_tokens - self._num_before
