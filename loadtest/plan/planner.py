"""The least number of replicas that a rate needs, in closed form and by simulation.

Replicas are alike and questions go to them at random, so one of r sees a Poisson stream of a r-th
of the rate: it alone is simulated. A balancer that knows who is busy does better.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from loadtest.plan.model import Replica, closed_form_ms
from loadtest.plan.question import Question
from loadtest.plan.simulator import Simulated, simulate_open

MOST_REPLICAS = 1 << 16
ALONE = 1e-3
"""Of capacity: a rate at which questions do not meet."""

Binding = Literal[
    "latency", "API server", "KV memory", "compute", "prompts and path starts", "decoding steps"
]


@dataclass(frozen=True)
class Goal:
    """`rate` questions/s, of which `percentile` percent are answered within `slo_ms`; no replica is
    planned beyond `utilization` of its capacity."""

    rate: float
    slo_ms: float | None
    percentile: float
    utilization: float


@dataclass(frozen=True)
class Answer:
    """What so many replicas give; latencies in ms."""

    replicas: int
    utilization: float
    p50_ms: float
    percentile_ms: float


@dataclass(frozen=True)
class Plan:
    """`capacity` is that of one replica, in questions/s; `alone_ms` the percentile of a question
    that meets no other, by simulation. An answer is None where no number of replicas holds."""

    capacity: float
    slots: float
    alone_ms: float
    binds: Binding
    closed_form: Answer | None
    simulated: Answer | None


def make_plan(
    replica: Replica, question: Question, goal: Goal, num_questions: int, seed: int
) -> Plan:
    """Find the least number of replicas that meets the goal, in closed form and by simulation.

    Raises:
        DoesNotFit: the KV cache does not hold a single path.
    """
    capacity = replica.capacity(question)
    least = max(1, math.ceil(goal.rate / (capacity * goal.utilization)))

    @cache
    def simulated(replicas: int) -> Simulated:
        return simulate_open(replica, question, goal.rate / replicas, num_questions, seed)

    def closed_ms(replicas: int, percentile: float) -> float:
        return closed_form_ms(replica, question, goal.rate / replicas, percentile)

    def simulated_ms(replicas: int, percentile: float) -> float:
        return simulated(replicas).percentile_ms(percentile)

    def answer(ms: Callable[[int, float], float], alone_ms: float) -> Answer | None:
        replicas = _least(least, goal, lambda some: ms(some, goal.percentile), alone_ms)
        if replicas is None:
            return None
        return Answer(
            replicas,
            goal.rate / replicas / capacity,
            ms(replicas, 50),
            ms(replicas, goal.percentile),
        )

    alone = simulate_open(replica, question, ALONE * capacity, num_questions, seed)
    alone_ms = alone.percentile_ms(goal.percentile)
    by_simulation = answer(simulated_ms, alone_ms)
    closed_alone_ms = closed_form_ms(replica, question, 0.0, goal.percentile)
    is_late = by_simulation is None or by_simulation.replicas > least
    return Plan(
        capacity=capacity,
        slots=replica.slots(question),
        alone_ms=alone_ms,
        binds="latency" if is_late else binding(replica, question),
        closed_form=answer(closed_ms, closed_alone_ms),
        simulated=by_simulation,
    )


def _least(least: int, goal: Goal, ms: Callable[[int], float], alone_ms: float) -> int | None:
    """Replicas from `least` on that hold the goal; None where even a lone question does not."""
    slo_ms = goal.slo_ms
    if slo_ms is None:
        return least
    if alone_ms > slo_ms:
        return None
    return search(least, lambda replicas: ms(replicas) <= slo_ms)


def search(least: int, holds: Callable[[int], bool]) -> int | None:
    """The least number from `least` on that holds, if more never hold less."""
    if holds(least):
        return least
    low, high = least, 2 * least
    while not holds(high):
        low, high = high, 2 * high
        if high > MOST_REPLICAS * least:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def binding(replica: Replica, question: Question) -> Binding:
    """What limits the throughput of a replica."""
    if replica.api_capacity(question) < replica.engine_capacity(question):
        return "API server"
    slots, costs = replica.slots(question), replica.costs
    decoding_s = question.generated_tokens * costs.decode_s(slots) / slots
    if costs.admission_s(question) > decoding_s:
        return "prompts and path starts"
    if slots < replica.max_num_seqs:
        return "KV memory"
    if costs.compute_s * slots > costs.step_s + costs.sequence_s * slots:
        return "compute"
    return "decoding steps"
