"""Agreement with the labels of real model solutions, where the shared data is at hand."""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from decoding.answers import AnswerKind, extract_answer, normalize_answer

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
GSM8K = SHARED / "replay" / "gsm8k_gpt3.jsonl"
DATES = SHARED / "replay" / "date_codex002.jsonl"
REFERENCES = SHARED / "eval" / "gsm8k_train_300.jsonl"

MIN_AGREEMENT = 0.995
FINAL_LINE = re.compile(r"\nA: ([^\n]*)\s*\Z")
PLAIN_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not in ../shared/data")


@dataclass(frozen=True, slots=True)
class Solution:
    text: str
    gold: str
    is_correct: bool


def read_solutions() -> list[Solution]:
    problems = [json.loads(line) for line in GSM8K.read_text("utf-8").splitlines()]
    return [
        Solution(sample["text"], problem["gold"], sample["correct"])
        for problem in problems
        for sample in problem["samples"]
    ]


def cut_final_line(solutions: list[Solution]) -> list[Solution]:
    return [
        Solution(solution.text[: final.start()], solution.gold, solution.is_correct)
        for solution in solutions
        if (final := FINAL_LINE.search(solution.text)) and solution.text[: final.start()].strip()
    ]


def states_result_in_prose(solution: Solution) -> bool:
    """Whether the number of the `A:` line, sign apart, stands in the line above it."""
    final = FINAL_LINE.search(solution.text)
    stated = PLAIN_NUMBER.search(final[1]) if final else None
    lines = solution.text[: final.start()].strip().splitlines() if final else []
    if not stated or not lines:
        return False
    numbers = [Fraction(number.replace(",", "")) for number in PLAIN_NUMBER.findall(lines[-1])]
    return Fraction(stated[0].replace(",", "")) in numbers


def agreement(solutions: list[Solution], kind: AnswerKind) -> float:
    agreeing = 0
    for solution in solutions:
        answer = extract_answer(solution.text, kind)
        is_gold = answer is not None and answer.value == normalize_answer(solution.gold, kind)
        agreeing += is_gold == solution.is_correct
    return agreeing / len(solutions)


@needs(GSM8K)
@pytest.mark.parametrize("kind", ["auto", "number"])
def test_verdicts_agree_with_the_labels_of_real_solutions(kind: AnswerKind) -> None:
    solutions = read_solutions()
    assert len(solutions) == 5276
    assert agreement(solutions, kind) >= MIN_AGREEMENT


@needs(GSM8K)
@pytest.mark.parametrize("kind", ["auto", "number"])
def test_verdicts_agree_when_the_result_stands_in_prose_alone(kind: AnswerKind) -> None:
    in_prose = [solution for solution in read_solutions() if states_result_in_prose(solution)]
    assert len(in_prose) > 5000
    assert agreement(cut_final_line(in_prose), kind) >= MIN_AGREEMENT


@needs(DATES)
def test_dates_of_real_solutions_are_read_as_their_authors_read_them() -> None:
    problems = [json.loads(line) for line in DATES.read_text("utf-8").splitlines()]
    for problem in problems[::10]:
        for sample in problem["samples"]:
            answer = extract_answer(sample["text"])
            assert answer is not None
            assert answer.value == normalize_answer(sample["ref"])


@needs(REFERENCES)
def test_reference_solutions_are_read_from_their_marker() -> None:
    for line in REFERENCES.read_text("utf-8").splitlines():
        reference = json.loads(line)["answer"]
        gold = reference.rpartition("#### ")[2].replace(",", "")
        answer = extract_answer(reference)
        assert answer is not None
        assert answer.value == gold == normalize_answer(reference)
