import json
import re

import pytest

from pocket.make_eval import load_eval
from pocket.make_text import FILES, SHIPPED, make_text, to_jsonl
from pocket.problems.template import Numbers

BOTH: tuple[Numbers, ...] = ("held_out", "training")
LINES = {
    numbers: [json.loads(line) for line in FILES[numbers].read_text().splitlines()]
    for numbers in BOTH
}


@pytest.mark.parametrize("numbers", BOTH)
def test_shipped_file_is_what_the_generator_gives(numbers: Numbers) -> None:
    assert to_jsonl(make_text(numbers)) == FILES[numbers].read_text()


@pytest.mark.parametrize("numbers", BOTH)
def test_questions_are_unique_and_none_of_the_evaluation_set(numbers: Numbers) -> None:
    questions = {line["question"] for line in LINES[numbers]}
    assert len(questions) == len(LINES[numbers]) == SHIPPED[numbers]
    assert not questions & {problem.question for problem in load_eval()}


def test_calibration_has_none_of_the_held_out_text() -> None:
    held_out, training = ({line["question"] for line in LINES[numbers]} for numbers in BOTH)
    assert not held_out & training


@pytest.mark.parametrize("numbers", BOTH)
def test_solutions_are_in_both_styles_of_training(numbers: Numbers) -> None:
    num_direct = sum(
        re.fullmatch(r"(The|So the) answer is \d+\.", line["solution"]) is not None
        for line in LINES[numbers]
    )
    assert 0.5 < num_direct / SHIPPED[numbers] < 0.7  # training: 0.6
