"""Peers without a model: their rounds take what the test says."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.compare.environments import Environments
from benchmarks.compare.failures import PeerFailed
from benchmarks.compare.peer import Family, Label, Round, Run, Running, Setting, Task
from benchmarks.compare.rounds import Result
from evaluation.eval_set import Problem
from measurement.serving import Serving

PROBLEMS = [Problem(str(number), "s", f"Question {number}", number) for number in range(20)]


def label(key: str, family: Family = "vllm", task: Task = "vote", **more: bool) -> Label:
    return Label(key, f"the {key}", task, family, **more)


def a_round(
    wall_s: float = 1.0,
    right: Sequence[int] | None = (1, 1),
    num_tokens: int | None = 10,
    num_questions: int = 2,
) -> Round:
    """`right` in ones and noughts."""
    answered = None if right is None else tuple(map(bool, right))
    return Round(num_questions, wall_s, num_tokens, answered)


def result(of: Label, *rounds: Round, failure: str | None = None) -> Result:
    return Result(of, rounds, failure)


@dataclass
class StandIn:
    """Writes down what it is asked; fails in the calls of `failing`, of which 0 is the warm-up."""

    label: Label
    asked: list[tuple[str, list[str]]]
    failing: Mapping[int, Exception] = field(default_factory=dict)
    cannot_prepare: Exception | None = None

    def prepare(self, _setting: Setting) -> Run:
        if self.cannot_prepare is not None:
            raise self.cannot_prepare
        calls: list[int] = []

        def run(problems: Sequence[Problem]) -> Round:
            self.asked.append((self.label.key, [problem.id for problem in problems]))
            calls.append(1)
            if len(calls) - 1 in self.failing:
                raise self.failing[len(calls) - 1]
            return a_round(num_questions=len(problems))

        return run


def a_setting(folder: Path) -> Setting:
    nothing = Running(ExitStack())
    how = Serving("checkpoint", "model", {}, {})
    return Setting(how, Environments(folder), nothing, nothing, 1, 8, 10, 16, 1)


BROKEN = PeerFailed("cannot be installed: no such wheel")
