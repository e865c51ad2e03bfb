"""The model on paper: what a step, a question and a replica take.

A replica is an engine with continuous batching behind an API server. In a step b sequences get a
token each, p tokens of prompts are computed, n paths and q questions begin. It lasts

    T(b, p, n, q) = max(a + c·b, f·b) + d·p + e·n + g·q

    a  reads the weights and starts the kernels, whatever the batch   (step_s)
       and more for decoders that read log-probabilities              (scored_step_s)
    c  is a sequence's own share: its KV cache, sampling              (sequence_s)
    f  is a sequence's arithmetic, which bounds large batches         (compute_s)
    d  a prompt token that the prefix cache does not hold             (prompt_token_s)
    e  a path's and g a question's scheduling, rendering, parsing     (path_s, request_s)

Beside the engine a question takes h of latency that holds nobody else up (delay_s), and
A = api_request_s + paths · api_path_s of an API server that does one thing at a time.

At most S sequences run: the least of `max_num_seqs` and what the KV cache holds, where a question's
paths share its prompt. A question of B paths with N generated tokens in all and P computed prompt
tokens has the capacity

    X = min( 1 / (N·max(a/S + c, f) + d·P + e·B + g),  1 / A )      questions/s of a replica

Latency at a rate λ, in closed form (mean field: every step is as long as the mean step):

    u = λ·(d·P + e·B + g)                      share of time that does not go to decoding
    b = λ·N·a / (1 − u − λ·N·c)                sequences that run: b = λ·N·T, T = (a + c·b)/(1 − u)
    T' = max(a + c·(b + B'), f·(b + B')) / (1 − u)
                                               a step as an arriving question sees it, whose stage
                                               adds B' paths; processor sharing, in effect
    R = h + A + W_api + W + Σ over stages (longest path · T') + (d·P + e·B + g) / (1 − u)

A stage of more paths than S takes B'/S times as long. The longest of a stage's paths is drawn
(gamma lengths of the given mean and deviation). W is the wait for one of m = S/B places that serve
X in all: Erlang C for whether, and exponential with half of M/M/m's mean for how long, as Allen and
Cunneen have it where service is even, which many paths make it. W_api is the same with one place.
The percentile of a sum is taken as the sum of the percentiles, which is on the safe side. What this
leaves out, bursts that make steps long for a while, the simulator (`simulator.py`) has.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from loadtest.plan.question import SCORED, Question, Stage

NUM_DRAWS, LEAST_DRAWS = 20_000, 1_000
LONGEST_SEED = 0


class DoesNotFit(Exception):
    """The message says what has no room."""


@dataclass(frozen=True)
class Costs:
    """The costs in seconds, as the module's docstring names them."""

    step_s: float
    sequence_s: float
    prompt_token_s: float
    path_s: float = 0.0
    request_s: float = 0.0
    delay_s: float = 0.0
    scored_step_s: float = 0.0
    compute_s: float = 0.0
    api_request_s: float = 0.0
    api_path_s: float = 0.0

    def of(self, strategy: str) -> "Costs":
        """The costs with a step as expensive as that decoder makes it."""
        added_s = self.scored_step_s if strategy in SCORED else 0.0
        return replace(self, step_s=self.step_s + added_s, scored_step_s=0.0)

    def decode_s(self, num_sequences: float) -> float:
        """A step that computes no prompt."""
        return max(self.step_s + self.sequence_s * num_sequences, self.compute_s * num_sequences)

    def admission_s(self, question: Question) -> float:
        """Seconds of the engine's time for a question, beside decoding."""
        return (
            self.prompt_token_s * question.computed_tokens
            + self.path_s * question.num_paths
            + self.request_s
        )

    def api_s(self, question: Question) -> float:
        return self.api_request_s + self.api_path_s * question.num_paths


@dataclass(frozen=True)
class Replica:
    """`kv_tokens` is None where the KV cache is not known, and then bounds nothing."""

    costs: Costs
    max_num_seqs: int
    kv_tokens: float | None
    max_num_batched_tokens: int

    def kv_slots(self, question: Question) -> float:
        """Sequences that the KV cache holds at once, each with its share of a prompt."""
        if self.kv_tokens is None:
            return math.inf
        return min(
            self.kv_tokens / (stage.prompt_tokens / stage.num_paths + stage.kv_tokens_of_path)
            for stage in question.stages
        )

    def slots(self, question: Question) -> float:
        """Sequences that may run at once.

        Raises:
            DoesNotFit: the KV cache does not hold a single path.
        """
        if self.kv_tokens is not None:
            for stage in question.stages:
                if (needed := stage.prompt_tokens + stage.kv_tokens_of_path) > self.kv_tokens:
                    raise DoesNotFit(
                        f"the KV cache has room for {self.kv_tokens:.0f} tokens, and one path "
                        f"needs {needed:.0f}"
                    )
        return min(float(self.max_num_seqs), max(1.0, self.kv_slots(question)))

    def engine_capacity(self, question: Question) -> float:
        """Questions/s that the engine can answer."""
        slots = self.slots(question)
        decoding_s = question.generated_tokens * self.costs.decode_s(slots) / slots
        return 1 / (decoding_s + self.costs.admission_s(question))

    def api_capacity(self, question: Question) -> float:
        """Questions/s that the API server can pass on."""
        api_s = self.costs.api_s(question)
        return 1 / api_s if api_s else math.inf

    def capacity(self, question: Question) -> float:
        return min(self.engine_capacity(question), self.api_capacity(question))


def closed_form_ms(replica: Replica, question: Question, rate: float, percentile: float) -> float:
    """A percentile of latency at `rate` questions/s of this replica; infinite from capacity on."""
    capacity = replica.capacity(question)
    if rate >= capacity:
        return math.inf
    costs, share = replica.costs, percentile / 100
    admission_s = costs.admission_s(question)
    left = 1 - rate * admission_s
    tokens_per_s = rate * question.generated_tokens
    free = left - tokens_per_s * costs.sequence_s
    slots = replica.slots(question)
    running = min(slots, tokens_per_s * costs.step_s / free) if free > 0 else slots
    in_engine_s = admission_s / left
    for stage in question.stages:
        step_s = costs.decode_s(min(slots, running + stage.num_paths)) / left
        waves = max(1.0, stage.num_paths / slots)
        in_engine_s += waves * longest_path(stage, share) * step_s
    places = max(1, round(slots / question.most_paths))
    wait_s = _wait_s(places, rate, replica.engine_capacity(question), share)
    api_s = costs.api_s(question)
    if api_s:
        wait_s += _wait_s(1, rate, replica.api_capacity(question), share)
    return 1000 * (costs.delay_s + api_s + wait_s + in_engine_s)


def longest_path(stage: Stage, share: float) -> float:
    """That quantile of the longest of a stage's paths, in tokens."""
    return float(np.quantile(_longest(stage), share))


def mean_longest(stage: Stage) -> float:
    """The mean of a stage's longest path, in tokens."""
    return float(_longest(stage).mean())


def _longest(stage: Stage) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(LONGEST_SEED)
    num_draws = max(LEAST_DRAWS, NUM_DRAWS // stage.num_paths)
    draws = draw_lengths(rng, stage, num_draws * stage.num_paths)
    longest: npt.NDArray[np.int64] = draws.reshape(num_draws, stage.num_paths).max(axis=1)
    return longest


def draw_lengths(rng: np.random.Generator, stage: Stage, num: int) -> npt.NDArray[np.int64]:
    """Whole tokens, at least 1: gamma with the stage's mean and deviation."""
    if stage.deviation == 0:
        return np.full(num, max(1, round(stage.output_tokens)))
    scale = stage.deviation**2 / stage.output_tokens
    draws = rng.gamma(stage.output_tokens / scale, scale, num)
    lengths: npt.NDArray[np.int64] = np.maximum(1, np.rint(draws)).astype(np.int64)
    return lengths


def _wait_s(places: int, rate: float, capacity: float, share: float) -> float:
    """That quantile of the wait of M/D/m; all places together serve `capacity`."""
    load = rate / capacity * places
    blocked = 1.0  # Erlang B, by its recursion
    for place in range(1, places + 1):
        blocked = load * blocked / (place + load * blocked)
    waits = blocked / (1 - (load / places) * (1 - blocked))
    if waits <= 1 - share:
        return 0.0
    return math.log(waits / (1 - share)) / (2 * (capacity - rate))
