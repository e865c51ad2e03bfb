"""Writes held-out text with solutions: `python -m pocket.make_held_out_text`.

Problems and replies as in training, of numbers that training never saw and of none of the
evaluation set's questions: text to tell two checkpoints apart by.
"""

import argparse
import json
from pathlib import Path
from random import Random

from pocket.make_eval import load_eval
from pocket.problems.catalog import draw_training_template
from pocket.problems.template import draw_problem
from pocket.replies import draw_style, reply

SEED = "held-out text"
NUM_PROBLEMS = 400
TEXT_FILE = Path(__file__).with_name("held_out_text.jsonl")


def make_text() -> list[dict[str, str]]:
    """Lines of `question` and `solution`, the same every time; no question twice."""
    rng = Random(SEED)
    taken = {problem.question for problem in load_eval()}
    lines: list[dict[str, str]] = []
    while len(lines) < NUM_PROBLEMS:
        problem = draw_problem(draw_training_template(rng), rng, "held_out")
        solution = reply(problem, draw_style(rng), rng)
        if problem.question not in taken:
            taken.add(problem.question)
            lines.append({"question": problem.question, "solution": solution})
    return lines


def to_jsonl(lines: list[dict[str, str]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pocket.make_held_out_text", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=TEXT_FILE, help="file to write")
    arguments = parser.parse_args()
    arguments.out.write_text(to_jsonl(make_text()))


if __name__ == "__main__":
    main()
