import json
import re

from pocket.make_eval import load_eval
from pocket.make_held_out_text import NUM_PROBLEMS, TEXT_FILE, make_text, to_jsonl

LINES = [json.loads(line) for line in TEXT_FILE.read_text().splitlines()]


def test_shipped_file_is_what_the_generator_gives() -> None:
    assert to_jsonl(make_text()) == TEXT_FILE.read_text()


def test_questions_are_unique_and_none_of_the_evaluation_set() -> None:
    questions = {line["question"] for line in LINES}
    assert len(questions) == len(LINES) == NUM_PROBLEMS
    assert not questions & {problem.question for problem in load_eval()}


def test_solutions_are_in_both_styles_of_training() -> None:
    num_direct = sum(
        re.fullmatch(r"(The|So the) answer is \d+\.", line["solution"]) is not None
        for line in LINES
    )
    assert 0.5 < num_direct / NUM_PROBLEMS < 0.7  # training: 0.6
