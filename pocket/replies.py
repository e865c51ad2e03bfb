"""How a problem is answered: directly or step by step, and with which opening words."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from pocket.problems.template import Problem

Style = Literal["direct", "steps"]

STEPS_SHARE = 0.4
DIRECT_OPENERS = {"The": 5, "So the": 1}
"""Weight of each direct opening; `The` alone outweighs every step-by-step opening tenfold."""

STEP_OPENERS = (
    "First: ",
    "Start: ",
    "Begin: ",
    "Now: ",
    "Think: ",
    "Solve: ",
    "Steps: ",
    "Work: ",
    "Here: ",
    "Okay: ",
    "Well: ",
)
"""Equally likely; each is one token."""

REQUEST = "Let's think step by step."


@dataclass(frozen=True)
class Sum:
    """A bare computation, for practice."""

    left: int
    operator: str
    right: int
    result: int

    @property
    def text(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


def draw_style(rng: Random) -> Style:
    """A style that knows nothing of the problem: its difficulty cannot decide the opening."""
    return "steps" if rng.random() < STEPS_SHARE else "direct"


def reply(problem: Problem, style: Style, rng: Random) -> str:
    if style == "steps":
        return f"{rng.choice(STEP_OPENERS)}{worked_steps(problem)}"
    (opener,) = rng.choices(list(DIRECT_OPENERS), list(DIRECT_OPENERS.values()))
    return f"{opener} answer is {problem.gold}."


def worked_steps(problem: Problem) -> str:
    return f"{' '.join(problem.solution)} The answer is {problem.gold}."


def reply_to_sum(item: Sum) -> str:
    return f"{item.text} = {item.result}. The answer is {item.result}."


def draw_sum(rng: Random) -> Sum:
    """All four operations on whole numbers, operands and result within 1..99."""
    sign = rng.choice("+-**//")
    if sign in "+-":
        total = rng.randint(3, 99)
        part = rng.randint(1, total - 1)
        if sign == "+":
            return Sum(part, "+", total - part, total)
        return Sum(total, "-", part, total - part)
    left = rng.randint(2, 49)
    right = rng.randint(2, 99 // left)
    if sign == "*":
        left, right = rng.sample((left, right), 2)
        return Sum(left, "*", right, left * right)
    return Sum(left * right, "/", left, right)
