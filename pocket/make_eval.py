"""Writes the evaluation set: `python -m pocket.make_eval`."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Literal, get_args

from pocket.problems.catalog import FACT_DEPENDENT, HELD_OUT, draw_training_template
from pocket.problems.facts import draw_distractor_facts
from pocket.problems.template import Template, draw_problem

Split = Literal["held_out_numbers", "held_out_templates", "fact_dependent"]
SEED = "eval"
NUM_HELD_OUT_NUMBERS = 300
NUM_PER_HELD_OUT_TEMPLATE = 25
NUM_PER_FACT_TEMPLATE = 25
NUM_DISTRACTOR_FACTS = 4
EVAL_FILE = Path(__file__).with_name("eval.jsonl")


@dataclass(frozen=True)
class EvalProblem:
    """`facts` are what the question needs and does not say, `distractors` what it does not need."""

    id: str
    split: Split
    template: str
    question: str
    gold: int
    facts: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()


def make_eval() -> list[EvalProblem]:
    """The same list every time; no question twice. No split depends on another."""
    problems: dict[str, EvalProblem] = {}
    for split in get_args(Split):
        rng = Random(f"{SEED}:{split}")
        for template in _wanted(split, rng):
            while True:
                problem = _draw(split, template, rng, number=len(problems))
                if problem.question not in problems:
                    break
            problems[problem.question] = problem
    return list(problems.values())


def load_eval(path: Path = EVAL_FILE) -> list[EvalProblem]:
    items = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        EvalProblem(**item | {key: tuple(item[key]) for key in ("facts", "distractors")})
        for item in items
    ]


def to_jsonl(problems: list[EvalProblem]) -> str:
    return "".join(json.dumps(asdict(problem)) + "\n" for problem in problems)


def _wanted(split: Split, rng: Random) -> Iterator[Template]:
    match split:
        case "held_out_numbers":
            yield from (draw_training_template(rng) for _ in range(NUM_HELD_OUT_NUMBERS))
        case "held_out_templates":
            yield from HELD_OUT * NUM_PER_HELD_OUT_TEMPLATE
        case "fact_dependent":
            yield from FACT_DEPENDENT * NUM_PER_FACT_TEMPLATE


def _draw(split: Split, template: Template, rng: Random, number: int) -> EvalProblem:
    problem = draw_problem(template, rng, "held_out")
    distractors: tuple[str, ...] = ()
    if problem.facts:
        distractors = draw_distractor_facts(rng, problem.question, NUM_DISTRACTOR_FACTS)
    return EvalProblem(
        id=f"pocket-{number:04d}",
        split=split,
        template=problem.template,
        question=problem.question,
        gold=problem.gold,
        facts=problem.facts,
        distractors=distractors,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pocket.make_eval", description=__doc__)
    parser.add_argument("--out", type=Path, default=EVAL_FILE, help="file to write")
    arguments = parser.parse_args()
    arguments.out.write_text(to_jsonl(make_eval()))


if __name__ == "__main__":
    main()
