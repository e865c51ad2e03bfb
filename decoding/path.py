"""A path: one continuation of the prompt, with what is needed to score it."""

import math
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property

from decoding.engine import DecodedText, Delta, Engine, PathAborted, Prompt, Ranked, Sampling


@dataclass(frozen=True)
class Path:
    """One continuation of the prompt.

    `ranked[i]` is the distribution that `token_ids[i]` was taken from; it is empty when the
    decoder asked for no log-probabilities. `logprobs` are those of the tokens that the engine
    took, likewise. `decoded.text` is cut at a stop string; `token_ids` keeps every token that
    was spent. `branch` is that of its `Sampling`.
    """

    token_ids: tuple[int, ...]
    ranked: tuple[Ranked, ...]
    decoded: DecodedText
    finish_reason: str
    stop_reason: int | str | None = None
    logprobs: tuple[float, ...] = ()
    branch: int | None = None

    @property
    def text(self) -> str:
        return self.decoded.text

    @property
    def is_timed_out(self) -> bool:
        """Whether the request's deadline cut it off."""
        return self.finish_reason == "timeout"

    @cached_property
    def gaps(self) -> tuple[float, ...]:
        """p(x1) - p(x2) at each token, in 0..1."""
        return tuple(map(top_two_gap, self.ranked))

    @property
    def mean_logprob(self) -> float:
        """Per token, natural logarithm: the length-normalised log-probability of the path.

        Raises:
            ValueError: the path was not scored.
        """
        if not self.logprobs:
            raise ValueError("the path carries no log-probabilities of its tokens")
        return sum(self.logprobs) / len(self.logprobs)


def top_two_gap(ranked: Ranked) -> float:
    """Probability of the likeliest token minus that of the second (0 where there is none)."""
    probabilities = [math.exp(logprob) for _, logprob in ranked[:2]]
    return probabilities[0] - sum(probabilities[1:])


async def collect_path(
    engine: Engine,
    prompt: Prompt,
    sampling: Sampling,
    *,
    prefix: Sequence[int] = (),
    prefix_ranked: tuple[Ranked, ...] = (),
    on_delta: Callable[[Delta], None] | None = None,
    gives_up: Callable[[Delta], bool] | None = None,
) -> Path:
    """Run one path to its end.

    Args:
        prefix: tokens that the path is forced to begin with. They count towards
            `prompt.max_tokens`, and one that ends generation ends the path.
        prefix_ranked: the distributions that the prefix was taken from.
        on_delta: told of each delta as it comes.
        gives_up: asked of each delta but the last; a path is aborted there when it says so, and
            its finish reason is "abort".

    Raises:
        PathAborted: the engine stopped before the path's end.
    """
    token_ids, ranked = list(prefix), list(prefix_ranked)
    logprobs: list[float] = []
    is_given_up = False
    finish_reason = _prefix_finish(engine, prompt, prefix)
    stop_reason: int | str | None = None
    if finish_reason is None:
        async with aclosing(engine.generate((*prompt.token_ids, *prefix), sampling)) as deltas:
            async for delta in deltas:
                token_ids.extend(delta.token_ids)
                ranked.extend(delta.ranked)
                logprobs.extend(delta.logprobs)
                stop_reason = delta.stop_reason
                finish_reason = delta.finish_reason
                if on_delta is not None:
                    on_delta(delta)
                if gives_up is not None and finish_reason is None and gives_up(delta):
                    is_given_up = True
                    break
    if is_given_up:
        finish_reason = "abort"
    elif finish_reason is None or finish_reason == "abort":
        raise PathAborted("the engine stopped before the path's end", len(token_ids))
    decoded, stopped_by = _cut(engine.decode(token_ids), prompt)
    if stopped_by is not None:
        finish_reason, stop_reason = "stop", stopped_by
    return Path(
        tuple(token_ids),
        tuple(ranked),
        decoded,
        finish_reason,
        stop_reason,
        tuple(logprobs),
        sampling.branch,
    )


def _prefix_finish(engine: Engine, prompt: Prompt, prefix: Sequence[int]) -> str | None:
    if prefix and engine.is_end(prefix[-1]):
        return "stop"
    return "length" if len(prefix) >= prompt.max_tokens else None


def _cut(decoded: DecodedText, prompt: Prompt) -> tuple[DecodedText, str | None]:
    """Cut at the earliest stop string.

    The engine stops a path at one, but cannot see one that begins in a forced prefix.
    """
    text = decoded.text
    found = [(text.find(stop), stop) for stop in prompt.stop if stop in text]
    if not found:
        return decoded, None
    start, stop = min(found)
    end = start + len(stop) if prompt.include_stop_str_in_output else start
    return DecodedText(text[:end], tuple(min(offset, end) for offset in decoded.ends)), stop
