"""The port between decoders and a language model: token ids in, deltas out."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

Ranked = tuple[tuple[int, float], ...]
"""The likeliest tokens of one step, likeliest first: (token id, natural-log probability).

Probabilities are of the full-vocabulary softmax of the raw logits, before temperature,
penalties and truncation.
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the client asked to be continued, after templating and tokenising.

    `max_tokens` and `stop` bind every path, not the sum of the paths. `question` is the text that
    the client asked, None where it sent no text.
    """

    token_ids: tuple[int, ...]
    max_tokens: int
    stop: tuple[str, ...] = ()
    include_stop_str_in_output: bool = False
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one path is drawn. `temperature` 0 is greedy; `num_logprobs` 0 asks for none.

    `top_p` and `top_k` None are the request's own. `is_scored` asks for the log-probability of
    each token that was taken. Deltas are asked for by `stream`, to be handed on to the client as
    they come, or by `is_watched`, to be looked at on the way; without either the engine answers
    once, when the path is complete, which is cheaper. `model` names an adapter or model of the
    server; None is the one that the request names. `is_aside` marks a question of the decoder's
    own, for which the request's stop strings, grammar and penalties do not hold.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    num_logprobs: int = 0
    is_scored: bool = False
    stream: bool = False
    is_watched: bool = False
    model: str | None = None
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """The next tokens of a path; `ranked` and `logprobs` have one entry per token when asked for.

    `logprobs` are those of the tokens taken, natural logarithms of raw probabilities as above.
    `finish_reason` is None until the last delta, then vLLM's word: "stop", "length", "abort" …
    `native` is what the engine itself said. It is opaque to decoders, which hand a delta that
    they stream through on as it is.
    """

    token_ids: tuple[int, ...]
    ranked: tuple[Ranked, ...] = ()
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    native: object = None
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text and, for each of its tokens, the offset at which the token's characters end.

    Token i covers `text[ends[i - 1]:ends[i]]`; a token that shows nothing (a special token, the
    first bytes of a character) covers the empty string there.
    """

    text: str
    ends: tuple[int, ...]


class PathAborted(RuntimeError):
    """The engine gave a path up before its end, as one does that is shutting down."""


class UnaskableQuestion(ValueError):
    """A question cannot be made a prompt: it is longer than the model's context."""


class Engine(Protocol):
    """A language model that continues token ids, for one request.

    Cancelling the task that iterates `generate` aborts the path and frees its memory.
    `context_length` is the most tokens that a prompt and its continuation may have together.
    `num_running_tokens` is how many the paths that are running now have generated so far: what is
    spent when they are cancelled.
    """

    @property
    def context_length(self) -> int: ...

    @property
    def num_running_tokens(self) -> int: ...

    def generate(
        self, token_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]: ...

    async def score(
        self, prompt_token_ids: Sequence[int], token_ids: Sequence[int], model: str | None = None
    ) -> tuple[float, ...]:
        """The log-probability of each of `token_ids` as a continuation of the prompt, as if it had
        been generated; of the last one not, where it fills the context."""
        ...

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        """The text of tokens that continue the prompt, as the client would read it."""
        ...

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a text that continues another: no special tokens are added."""
        ...

    async def render(
        self, question: str, cue: str = "", *, is_aside: bool = False
    ) -> tuple[int, ...]:
        """The prompt's token ids with another text in place of its question, all else being kept,
        or, of an aside, all that stands before.

        `cue` is how the reply should set out: it ends the message, or the prompt of an API that
        continues plain text.

        Raises:
            UnaskableQuestion: it cannot be.
        """
        ...

    def is_end(self, token_id: int) -> bool:
        """Whether generating this token ends a path."""
        ...
