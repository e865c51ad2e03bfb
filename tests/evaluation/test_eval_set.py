import json
from pathlib import Path

import pytest

from evaluation.eval_set import Problem, UnreadableEvalSet, bundled_eval_set, read_eval_set

GOOD = {"id": "a", "split": "s", "question": "How many?", "gold": 3}


@pytest.fixture
def eval_file(tmp_path: Path) -> Path:
    return tmp_path / "eval.jsonl"


def test_problems_keep_their_order_and_blank_lines_are_skipped(eval_file: Path) -> None:
    lines = [GOOD, GOOD | {"id": "b", "facts": ["f"], "distractors": ["d", "e"]}]
    eval_file.write_text("\n\n".join(map(json.dumps, lines)))
    assert read_eval_set(eval_file) == [
        Problem("a", "s", "How many?", 3),
        Problem("b", "s", "How many?", 3, ("f",), ("d", "e")),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "must be a JSON object, got list"),
        (json.dumps(GOOD | {"question": None}), "question must be a string, got None"),
        (json.dumps(GOOD | {"gold": "3"}), "gold must be a number, got '3'"),
        (json.dumps(GOOD | {"gold": True}), "gold must be a number, got True"),
        (json.dumps(GOOD | {"facts": [1]}), r"facts must be a list of strings, got \[1\]"),
    ],
)
def test_broken_line_is_named_with_its_reason(eval_file: Path, line: str, reason: str) -> None:
    eval_file.write_text(f"{json.dumps(GOOD)}\n\n{line}\n")
    with pytest.raises(UnreadableEvalSet, match=rf"eval\.jsonl, line 3: {reason}"):
        read_eval_set(eval_file)


def test_empty_file_is_refused(eval_file: Path) -> None:
    eval_file.write_text("\n")
    with pytest.raises(UnreadableEvalSet, match="holds no problem"):
        read_eval_set(eval_file)


def test_missing_file_is_named(eval_file: Path) -> None:
    with pytest.raises(UnreadableEvalSet, match=r"eval\.jsonl"):
        read_eval_set(eval_file)


def test_bundled_set_has_the_splits_that_are_asked() -> None:
    splits = {problem.split for problem in read_eval_set(bundled_eval_set())}
    assert {"held_out_numbers", "held_out_templates", "fact_dependent"} <= splits
