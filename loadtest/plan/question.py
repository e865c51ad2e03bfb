"""What a decoder asks of the engine for one question: stages of paths, one stage after the other.

loadtest speaks HTTP and does not import `decoding`, so how each strategy branches is told here:

    plain, greedy    1 path
    cot_decoding     a probe of 1 token, then k paths that begin with a forced token
    majority_vote    n paths
    best_of_n        n paths; what a verifier asks the engine (self_judge) is left out
    deepconf         the warm-up's paths, then the others; none is aborted, so an upper bound
    universal_vote   n paths, then one that reads all of them and may write 64 tokens

Paths of a question share its prompt in the prefix cache, which keeps whole blocks: the first path
computes all P tokens, every other one those behind the last whole block, (block size + 1) / 2 on
average, for the last token is never taken from the cache.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

MAX_WARMUP, LEAST_WARMUP = 16, 4
SELECTION_TOKENS = 64


@dataclass(frozen=True)
class Stage:
    """`num_paths` at once. Of its prompt the first path computes `first_tokens`, each other one
    `other_tokens`; a path's length has mean `output_tokens` and standard deviation `deviation`."""

    num_paths: int
    prompt_tokens: float
    first_tokens: float
    other_tokens: float
    output_tokens: float
    deviation: float

    @property
    def computed_tokens(self) -> float:
        return self.first_tokens + (self.num_paths - 1) * self.other_tokens

    @property
    def kv_tokens_of_path(self) -> float:
        """That a path keeps beside the prompt that it shares."""
        return self.other_tokens + self.output_tokens


@dataclass(frozen=True)
class Question:
    stages: tuple[Stage, ...]

    @property
    def num_paths(self) -> int:
        return sum(stage.num_paths for stage in self.stages)

    @property
    def most_paths(self) -> int:
        """The most paths that run at the same time."""
        return max(stage.num_paths for stage in self.stages)

    @property
    def generated_tokens(self) -> float:
        return sum(stage.num_paths * stage.output_tokens for stage in self.stages)

    @property
    def computed_tokens(self) -> float:
        return sum(stage.computed_tokens for stage in self.stages)

    def computing(self, prompt_tokens: float) -> "Question":
        """The same question where the cache leaves so many prompt tokens to compute."""
        factor = prompt_tokens / self.computed_tokens
        return Question(
            tuple(
                replace(
                    stage,
                    first_tokens=stage.first_tokens * factor,
                    other_tokens=stage.other_tokens * factor,
                )
                for stage in self.stages
            )
        )


@dataclass(frozen=True)
class Lengths:
    """Lengths in tokens: of a prompt, and of a path with its standard deviation; `block_size` is
    that of the prefix cache."""

    prompt_tokens: float
    path_tokens: float
    deviation: float
    block_size: int

    @property
    def uncached_tail(self) -> float:
        return min(self.prompt_tokens, (self.block_size + 1) / 2)

    def paths(self, num_paths: int, *, is_cached: bool = False) -> Stage:
        """Paths from the prompt on; `is_cached` where an earlier stage has computed it."""
        tail = self.uncached_tail
        return Stage(
            num_paths,
            self.prompt_tokens,
            tail if is_cached else self.prompt_tokens,
            tail,
            self.path_tokens,
            self.deviation,
        )


def _one(lengths: Lengths, _branches: int) -> Question:
    return Question((lengths.paths(1),))


def _cot_decoding(lengths: Lengths, k: int) -> Question:
    """The first token of a path is forced, and the engine generates the rest."""
    probe = replace(lengths.paths(1), output_tokens=1.0, deviation=0.0)
    rest = max(1.0, lengths.path_tokens - 1)
    return Question((probe, replace(lengths.paths(k, is_cached=True), output_tokens=rest)))


def _samples(lengths: Lengths, num_samples: int) -> Question:
    return Question((lengths.paths(num_samples),))


def _deepconf(lengths: Lengths, num_samples: int) -> Question:
    num_warmup = max(2, min(MAX_WARMUP, num_samples // 2), min(LEAST_WARMUP, num_samples))
    warmup = lengths.paths(num_warmup)
    if num_warmup >= num_samples:
        return Question((warmup,))
    return Question((warmup, lengths.paths(num_samples - num_warmup, is_cached=True)))


def _universal_vote(lengths: Lengths, num_samples: int) -> Question:
    samples = lengths.paths(num_samples)
    read = lengths.prompt_tokens + num_samples * lengths.path_tokens
    selection = Stage(1, read, read, lengths.uncached_tail, SELECTION_TOKENS, 0.0)
    return Question((samples, selection))


STRATEGIES: Mapping[str, Callable[[Lengths, int], Question]] = {
    "plain": _one,
    "greedy": _one,
    "cot_decoding": _cot_decoding,
    "majority_vote": _samples,
    "deepconf": _deepconf,
    "best_of_n": _samples,
    "universal_vote": _universal_vote,
}
SCORED = frozenset({"cot_decoding", "deepconf"})
"""They ask for log-probabilities of every token."""
DEFAULT_BRANCHES: Mapping[str, int] = {
    "cot_decoding": 10,
    "majority_vote": 8,
    "deepconf": 32,
    "best_of_n": 8,
    "universal_vote": 8,
}
"""Winnow's own defaults of `k` and `num_samples`; the others have one path."""


def question_of(strategy: str, branches: int, lengths: Lengths) -> Question:
    """`branches` is `k` or `num_samples`."""
    return STRATEGIES[strategy](lengths, branches)
