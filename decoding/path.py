"""A path: one continuation of the prompt, with what is needed to score it."""

import math
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cached_property

from decoding.engine import DecodedText, Delta, Engine, PathAborted, Prompt, Ranked, Sampling
from decoding.stop_strings import Seam, cut_at_stop, num_tokens_until


@dataclass(frozen=True)
class Path:
    """One continuation of the prompt.

    `ranked[i]` is the distribution that `token_ids[i]` was taken from; it is empty when the
    decoder asked for no log-probabilities. `logprobs` are those of the tokens that the engine
    took, likewise. `decoded.text` is cut at a stop string; `token_ids` keeps every token up to the
    one that completes it. `branch` is that of its `Sampling`.
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
        """The length-normalised log-probability of the path: the mean over its tokens, in nats.

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
            `prompt.max_tokens`, and one that ends generation or completes a stop string ends the
            path, as does a stop string that begins in them.
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
    seam = Seam(engine, prompt, prefix)
    finish_reason = "stop" if seam.is_stopped else _prefix_finish(engine, prompt, prefix)
    stop_reason: int | str | None = None
    if prefix and finish_reason == "stop":
        stop_reason = engine.stop_reason_of(prefix[-1])
    if finish_reason is None:
        if seam.is_open:
            sampling = replace(sampling, is_watched=True)
        async with aclosing(engine.generate((*prompt.token_ids, *prefix), sampling)) as deltas:
            async for delta in deltas:
                token_ids.extend(delta.token_ids)
                ranked.extend(delta.ranked)
                logprobs.extend(delta.logprobs)
                stop_reason = delta.stop_reason
                finish_reason = delta.finish_reason
                if on_delta is not None:
                    on_delta(delta)
                if seam.is_open:
                    seam.look_at(token_ids)
                    if seam.is_stopped:
                        finish_reason = "stop"
                        break
                if gives_up is not None and finish_reason is None and gives_up(delta):
                    is_given_up = True
                    break
    if is_given_up:
        finish_reason = "abort"
    elif finish_reason is None or finish_reason == "abort":
        raise PathAborted("the engine stopped before the path's end", len(token_ids))
    decoded, found = cut_at_stop(whole := engine.decode(token_ids), prompt)
    if found is not None:
        finish_reason, stop_reason = "stop", found.stop
    if found is not None and seam.is_stopped:
        # Several tokens may come at once; those behind the stop string are no part of the path.
        num_tokens = num_tokens_until(whole, found)
        del token_ids[num_tokens:], ranked[num_tokens:]
        del logprobs[max(0, num_tokens - len(prefix)) :]
        decoded = DecodedText(decoded.text, decoded.ends[:num_tokens])
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
