"""A replica, simulated step by step: continuous batching with prefix cache, KV limit and branches.

Questions come at random times (Poisson) or from clients that ask anew when they were answered. A
question passes the API server, which serves one at a time in order of arrival, and after `delay_s`
its first stage's paths wait in the engine, first come first served. A path is admitted when fewer
than `max_num_seqs` run and the KV cache has room for it: what it will generate, and the prompt once
for all paths of its question. (vLLM admits by what is there and preempts when it runs out; here
nothing is preempted.) Its uncached prompt tokens are computed in the steps that have room for them
beside the sequences that decode (`max_num_batched_tokens`); the last of these steps gives the first
token and every step after it one more. A stage that is done begins the next. How long a step lasts
is told in `model.py`.

Steps between two events are alike and are taken in one. Same seed, same outcome.
"""

import heapq
import itertools
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from loadtest.plan.model import Replica, draw_lengths
from loadtest.plan.question import Question, Stage


@dataclass(frozen=True)
class Simulated:
    """Figures of the questions after the warm-up. `busy` is the share of time in which the engine
    worked, `peak_running` the most sequences at once."""

    latencies_ms: tuple[float, ...]
    questions_per_s: float
    busy: float
    peak_running: int

    def percentile_ms(self, percentile: float) -> float:
        return float(np.percentile(self.latencies_ms, percentile))


@dataclass(eq=False)
class _Asked:
    """A question on its way."""

    arrived_s: float
    stage: int = -1
    num_unfinished: int = 0
    holds_prompt: bool = False


@dataclass(eq=False)
class _Path:
    question: _Asked
    stage: Stage
    num_tokens: int
    left_to_compute: float
    is_first: bool
    kv_tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self.kv_tokens = self.stage.other_tokens + self.num_tokens


def simulate_open(
    replica: Replica, question: Question, rate: float, num_questions: int, seed: int
) -> Simulated:
    """Poisson arrivals at `rate` questions/s; the first tenth is warm-up."""
    rng = np.random.default_rng(seed)
    num_warm = num_questions // 10
    arrivals = np.cumsum(rng.exponential(1 / rate, num_questions + num_warm))
    engine = _Engine(replica, question, rng)
    for arrival in arrivals:
        engine.ask(float(arrival))
    engine.run(len(arrivals))
    return engine.outcome(num_warm)


def simulate_closed(
    replica: Replica, question: Question, concurrency: int, num_questions: int, seed: int
) -> Simulated:
    """Clients that ask anew as soon as they were answered; a wave of them is warm-up."""
    engine = _Engine(replica, question, np.random.default_rng(seed))
    for _ in range(concurrency):
        engine.ask(0.0)
    engine.run(num_questions + concurrency, asks_anew=True)
    return engine.outcome(concurrency)


class _Engine:
    def __init__(self, replica: Replica, question: Question, rng: np.random.Generator) -> None:
        replica.slots(question)  # raises where a path has no room
        self._replica = replica
        self._costs = replica.costs
        self._question = question
        self._rng = rng
        self._now_s = self._api_free_s = self._busy_s = 0.0
        self._num_steps = 0
        self._order = itertools.count()
        self._entering: list[tuple[float, int, _Asked]] = []
        self._waiting: deque[_Path] = deque()
        self._prefilling: list[_Path] = []
        self._decoding: list[tuple[int, int, _Path]] = []  # by the step that ends each
        self._kv_used = 0.0
        self._num_new_paths = self._num_new_questions = 0
        self._peak_running = 0
        self._ended: list[tuple[float, float]] = []  # when, and latency

    def ask(self, at_s: float) -> None:
        self._api_free_s = max(at_s, self._api_free_s) + self._costs.api_s(self._question)
        enters_s = self._api_free_s + self._costs.delay_s
        heapq.heappush(self._entering, (enters_s, next(self._order), _Asked(at_s)))

    def run(self, num_questions: int, *, asks_anew: bool = False) -> None:
        while len(self._ended) < num_questions:
            self._take_entering()
            self._admit()
            if self._prefilling:
                self._step()
            elif self._decoding:
                self._step_until_event()
            else:
                self._now_s = self._entering[0][0]
                continue
            self._end_paths(asks_anew)

    def outcome(self, num_warm: int) -> Simulated:
        """Counted from the end of the last question of the warm-up."""
        counted = self._ended[num_warm:]
        began_s = self._ended[num_warm - 1][0] if num_warm else 0.0
        ended_s = counted[-1][0]
        return Simulated(
            tuple(1000 * latency_s for _, latency_s in counted),
            len(counted) / (ended_s - began_s) if ended_s > began_s else math.inf,
            self._busy_s / self._now_s,
            self._peak_running,
        )

    def _take_entering(self) -> None:
        while self._entering and self._entering[0][0] <= self._now_s:
            _, _, asked = heapq.heappop(self._entering)
            self._num_new_questions += 1
            self._begin_stage(asked)

    def _begin_stage(self, asked: _Asked) -> None:
        asked.stage += 1
        stage = self._question.stages[asked.stage]
        asked.num_unfinished = stage.num_paths
        for number, num_tokens in enumerate(draw_lengths(self._rng, stage, stage.num_paths)):
            is_first = number == 0
            left = stage.first_tokens if is_first else stage.other_tokens
            self._waiting.append(_Path(asked, stage, int(num_tokens), left, is_first))

    def _admit(self) -> None:
        """Paths for whose prompt this step has room; what was begun before goes first."""
        room = self._prompt_room() - sum(path.left_to_compute for path in self._prefilling)
        while (
            self._waiting
            and room > 0
            and len(self._decoding) + len(self._prefilling) < self._replica.max_num_seqs
            and self._takes_kv(self._waiting[0])
        ):
            path = self._waiting.popleft()
            self._prefilling.append(path)
            self._num_new_paths += 1
            room -= path.left_to_compute

    def _prompt_room(self) -> float:
        return max(1, self._replica.max_num_batched_tokens - len(self._decoding))

    def _takes_kv(self, path: _Path) -> bool:
        asked = path.question
        needed = path.kv_tokens
        if not asked.holds_prompt:
            needed += path.stage.prompt_tokens
        limit = self._replica.kv_tokens
        # A long draw may exceed a cache that holds the mean; alone it runs all the same.
        is_alone = not (self._decoding or self._prefilling)
        if limit is not None and not is_alone and self._kv_used + needed > limit:
            return False
        asked.holds_prompt = True
        self._kv_used += needed
        return True

    def _step(self) -> None:
        """One step that computes prompts."""
        room = self._prompt_room()
        computed, begun = 0.0, []
        for path in self._prefilling:
            taken = min(path.left_to_compute, room - computed)
            path.left_to_compute -= taken
            computed += taken
            if path.left_to_compute <= 0:
                begun.append(path)
        self._prefilling = [path for path in self._prefilling if path.left_to_compute > 0]
        num_sequences = len(self._decoding) + len(begun)
        self._pass(1, num_sequences, computed)
        for path in begun:
            last_step = self._num_steps + path.num_tokens - 1
            heapq.heappush(self._decoding, (last_step, next(self._order), path))

    def _step_until_event(self) -> None:
        """Steps that are alike: until a path ends or a question enters."""
        num_steps = self._decoding[0][0] - self._num_steps
        if self._entering:
            step_s = self._costs.decode_s(len(self._decoding))
            until_s = self._entering[0][0] - self._now_s
            num_steps = min(num_steps, max(1, math.ceil(until_s / step_s)))
        self._pass(num_steps, len(self._decoding), 0.0)

    def _pass(self, num_steps: int, num_sequences: int, computed: float) -> None:
        passed_s = (
            num_steps
            * (self._costs.decode_s(num_sequences) if num_sequences else self._costs.step_s)
            + computed * self._costs.prompt_token_s
            + self._num_new_paths * self._costs.path_s
            + self._num_new_questions * self._costs.request_s
        )
        self._num_new_paths = self._num_new_questions = 0
        self._num_steps += num_steps
        self._now_s += passed_s
        self._busy_s += passed_s
        running = max(num_sequences, len(self._decoding) + len(self._prefilling))
        self._peak_running = max(self._peak_running, running)

    def _end_paths(self, asks_anew: bool) -> None:
        while self._decoding and self._decoding[0][0] <= self._num_steps:
            _, _, path = heapq.heappop(self._decoding)
            self._kv_used -= path.kv_tokens
            asked = path.question
            asked.num_unfinished -= 1
            if asked.num_unfinished:
                continue
            self._kv_used -= path.stage.prompt_tokens
            asked.holds_prompt = False
            if asked.stage + 1 < len(self._question.stages):
                self._begin_stage(asked)
                continue
            self._ended.append((self._now_s, self._now_s - asked.arrived_s))
            if asks_anew:
                self.ask(self._now_s)
