"""Writes problems with solutions as text: `python -m pocket.make_text`.

Problems and replies as in training. Those of numbers that training never saw, and of none of the
evaluation set's questions, are held out: text to tell two checkpoints apart by. Those of training's
own numbers are text to calibrate a compression by, and, many of them, to heal with.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import get_args

from tqdm import tqdm

from pocket.make_eval import load_eval
from pocket.problems.catalog import draw_training_template
from pocket.problems.template import Numbers, draw_problem
from pocket.replies import draw_style, reply

SEEDS: dict[Numbers, str] = {"held_out": "held-out text", "training": "calibration text"}
SHIPPED: dict[Numbers, int] = {"held_out": 400, "training": 512}
FOLDER = Path(__file__).parent
FILES: dict[Numbers, Path] = {
    "held_out": FOLDER / "held_out_text.jsonl",
    "training": FOLDER / "calibration_text.jsonl",
}


def draw_text(numbers: Numbers) -> Iterator[dict[str, str]]:
    """Lines of `question` and `solution` without end, the same every time; no question twice."""
    rng = Random(SEEDS[numbers])
    taken = {problem.question for problem in load_eval()}
    while True:
        problem = draw_problem(draw_training_template(rng), rng, numbers)
        solution = reply(problem, draw_style(rng), rng)
        if problem.question not in taken:
            taken.add(problem.question)
            yield {"question": problem.question, "solution": solution}


def make_text(numbers: Numbers) -> list[dict[str, str]]:
    """What is shipped."""
    return list(islice(draw_text(numbers), SHIPPED[numbers]))


def to_jsonl(lines: list[dict[str, str]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pocket.make_text", description=__doc__)
    parser.add_argument("--numbers", choices=get_args(Numbers), default="training",
                        help="of which (default %(default)s)")  # fmt: skip
    parser.add_argument("--num", type=int, help="of lines (default: as many as are shipped)")
    parser.add_argument("--out", type=Path, help="file to write (default: the shipped one)")
    given = parser.parse_args()
    num = SHIPPED[given.numbers] if given.num is None else given.num
    lines = list(tqdm(islice(draw_text(given.numbers), num), total=num))
    (given.out or FILES[given.numbers]).write_text(to_jsonl(lines))


if __name__ == "__main__":
    main()
