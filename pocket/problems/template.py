"""A word-problem template and the problems drawn from it."""

import hashlib
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from pocket.problems.distractors import insert_distractors
from pocket.problems.lead_ins import lead_in, lead_in_question
from pocket.problems.vocabulary import Choices, Slots, draw_slots
from pocket.problems.wording import Alternatives, capitalise

MAX_NUMBER = 99
HELD_OUT_ONE_IN = 10
MAX_DRAWS = 100_000
Numbers = Literal["training", "held_out"]

OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
}


@dataclass(frozen=True)
class Step:
    """`label: result = left operator right`; an operand is a variable or a literal number."""

    label: str
    result: str
    left: str
    operator: str
    right: str

    @classmethod
    def parse(cls, text: str) -> "Step":
        label, equation = text.split(": ")
        result, _, left, sign, right = equation.split()
        return cls(label, result, left, sign, right)


@dataclass(frozen=True)
class Range:
    variable: str
    low: int
    high: int


@dataclass(frozen=True)
class Template:
    """A story: parts in order, each a choice of wordings, a question and its solution.

    The first `num_free` parts may come in any order. `fact` is a sentence that the question
    needs and the story leaves out. `choose` adds or overrides slots.
    """

    name: str
    ranges: tuple[Range, ...]
    parts: tuple[Alternatives, ...]
    ask: Alternatives
    steps: tuple[Step, ...]
    num_free: int = 0
    fact: Alternatives = ()
    choose: Choices = ()


@dataclass(frozen=True)
class Problem:
    template: str
    operands: tuple[int, ...]
    question: str
    solution: tuple[str, ...]
    gold: int
    facts: tuple[str, ...] = ()


def structure(steps: Iterable[Step]) -> tuple[str, ...]:
    """What a solution does, without wording: each step's operation and its operands' origins.

    An operand is `g` (given in the problem), `r1`, `r2`, … (an earlier step's result) or a literal;
    the operands of + and * are sorted.
    """
    origin: dict[str, str] = {}
    shape: list[str] = []
    for step in steps:
        sides = [s if s.isdigit() else origin.get(s, "g") for s in (step.left, step.right)]
        if step.operator in "+*":
            sides.sort()
        origin[step.result] = f"r{len(shape) + 1}"
        shape.append(f"{sides[0]} {step.operator} {sides[1]}")
    return tuple(shape)


def is_held_out(template: str, operands: Iterable[int]) -> bool:
    """Whether these numbers are kept out of training for this template: a stable tenth."""
    key = f"{template}:{','.join(map(str, operands))}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % HELD_OUT_ONE_IN == 0


def solve(steps: Iterable[Step], values: dict[str, int]) -> bool:
    """Adds every step's result to `values`; False when one is not a whole number in 1..99."""
    for step in steps:
        left, right = (_operand(side, values) for side in (step.left, step.right))
        result = OPERATIONS[step.operator](left, right)
        if not 1 <= result <= MAX_NUMBER or (step.operator == "/" and left % right):
            return False
        values[step.result] = result
    return True


def _operand(side: str, values: Mapping[str, int]) -> int:
    return int(side) if side.isdigit() else values[side]


def draw_values(template: Template, rng: Random, numbers: Numbers) -> dict[str, int]:
    """Operands and results of one problem whose operands are of the kind asked for."""
    for _ in range(MAX_DRAWS):
        values = {r.variable: rng.randint(r.low, r.high) for r in template.ranges}
        operands = tuple(values.values())
        if not solve(template.steps, values):
            continue
        if is_held_out(template.name, operands) == (numbers == "held_out"):
            return values
    raise ValueError(f"template {template.name!r} gives no {numbers} numbers; widen its ranges")


def draw_problem(template: Template, rng: Random, numbers: Numbers = "training") -> Problem:
    values = draw_values(template, rng, numbers)
    own = {slot: rng.choice(words) for slot, words in template.choose}
    slots: Slots = {**draw_slots(rng), **own, **values}
    return Problem(
        template=template.name,
        operands=tuple(values[r.variable] for r in template.ranges),
        question=_render_question(template, slots, rng),
        solution=tuple(_render_step(step, values) for step in template.steps),
        gold=values[template.steps[-1].result],
        facts=(_say(template.fact, slots, rng),) if template.fact else (),
    )


def _render_question(template: Template, slots: Slots, rng: Random) -> str:
    parts = list(template.parts)
    free = parts[: template.num_free]
    rng.shuffle(free)
    sentences = [_say(part, slots, rng) for part in free + parts[template.num_free :]]
    sentences = insert_distractors(sentences, slots, rng)
    ask = lead_in_question(_say(template.ask, slots, rng), rng)
    return " ".join([*(lead_in(sentence, rng) for sentence in sentences), ask])


def _say(choices: Alternatives, slots: Slots, rng: Random) -> str:
    return capitalise(rng.choice(choices).format_map(slots))


def _render_step(step: Step, values: Mapping[str, int]) -> str:
    left, right = (_operand(side, values) for side in (step.left, step.right))
    return f"{step.label}: {left} {step.operator} {right} = {values[step.result]}."
