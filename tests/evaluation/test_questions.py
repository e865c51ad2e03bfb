"""The formats of data sets, told by content, and what is said of broken ones."""

import json
from pathlib import Path

import pytest

from evaluation.questions import Question, UnreadableDataset, read_dataset

REAL = Path(__file__).parents[2].parent / "shared" / "data"
GSM8K = REAL / "eval" / "gsm8k_train_300.jsonl"
MGSM = REAL / "eval" / "mgsm_es.tsv"
DATES = REAL / "replay" / "date_codex002.jsonl"


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not in ../shared/data")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "questions"


def test_replay_format_takes_text_numbers_and_lists(file: Path) -> None:
    lines = [
        {"id": "a", "question": "A?", "gold": "x"},
        {"id": "b", "question": "B?", "gold": 7, "samples": []},
        {"id": "c", "question": "C?", "gold": ["y", 1.5]},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    dataset = read_dataset(str(file), None, None)
    assert [question.gold for question in dataset.questions] == [("x",), ("7",), ("y", "1.5")]
    assert dataset.answer == "auto"


def test_gsm8k_gold_stands_after_the_last_mark(file: Path) -> None:
    file.write_text(json.dumps({"question": "Q?", "answer": "#### is no end\n#### 1,200"}) + "\n")
    dataset = read_dataset(str(file), None, None)
    assert dataset.questions == (Question(id="line-1", question="Q?", gold=("1,200",)),)
    assert dataset.answer == "number"


def test_mgsm_is_two_columns_without_header(file: Path) -> None:
    file.write_bytes("\ufeff¿Cuántos?\t18\r\n\nWie viele?\t1.5\n".encode())
    dataset = read_dataset(str(file), None, None)
    assert [(q.id, q.question, q.gold) for q in dataset.questions] == [
        ("line-1", "¿Cuántos?", ("18",)),
        ("line-3", "Wie viele?", ("1.5",)),
    ]


def test_line_separator_within_a_question_ends_no_line(file: Path) -> None:
    file.write_text('{"id": "a", "question": "one\u2028two", "gold": "x"}\n')
    assert read_dataset(str(file), None, None).questions[0].question == "one\u2028two"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no question"),
        ("a question", "line 1: must be JSON with"),
        ('{"question": "Q?"}', "line 1: must be JSON with"),
        ('{"id": "a",', "line 1: Invalid JSON"),
        ('{"id": "a", "question": "Q?", "gold": "x"}\n{"id"', "line 2: Invalid JSON"),
        ('{"id": "a", "question": "Q?", "gold": true}', "line 1: gold: must be a string, a"),
        ('{"id": "a", "question": "Q?", "gold": []}', "line 1: gold: "),
        ('{"id": "a", "question": "", "gold": "x"}', "line 1: question: "),
        ('{"id": "a", "question": "Q?", "gold": "x"}\n' * 2, "line 2: id: 'a' was there before"),
        ('{"question": "Q?", "answer": "72"}', "line 1: answer: must end in '####' and a number"),
        ('{"question": "Q?", "answer": "#### many"}', "line 1: answer: must end in '####'"),
        ("Q?\t18\nQ?", "line 2: must be question<TAB>answer, got 1 fields"),
        ("Q?\t18\t19", "line 1: must be question<TAB>answer, got 3 fields"),
        ("Q?\tmany", "line 1: answer: must hold a number, got 'many'"),
    ],
)
def test_broken_line_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UnreadableDataset) as failure:
        read_dataset(str(file), None, None)
    assert str(failure.value).startswith(str(file))
    assert message in str(failure.value)
    assert "\n" not in str(failure.value)


def test_format_that_is_named_is_not_guessed(file: Path) -> None:
    file.write_text('{"question": "Q?", "answer": "#### 7", "gold": "x"}')
    assert read_dataset(str(file), "gsm8k", None).questions[0].gold == ("7",)


def test_missing_file_is_named() -> None:
    with pytest.raises(UnreadableDataset, match=r"nowhere\.jsonl: No such file"):
        read_dataset("nowhere.jsonl", None, None)


def test_pocket_has_its_splits() -> None:
    dataset = read_dataset("pocket", None, "held_out_templates")
    assert len(dataset.questions) == 300
    assert dataset.answer == "number"
    with pytest.raises(UnreadableDataset, match="--split must be one of held_out_numbers, "):
        read_dataset("pocket", None, "train")


def test_choice_that_does_not_go_with_the_source_is_refused(file: Path) -> None:
    with pytest.raises(UnreadableDataset, match="--split x goes with pocket"):
        read_dataset(str(file), None, "x")
    with pytest.raises(UnreadableDataset, match="--format mgsm goes with a file"):
        read_dataset("pocket", "mgsm", None)


def test_fingerprint_tells_other_questions_under_the_same_name(file: Path) -> None:
    file.write_text("Q?\t18\n")
    before = read_dataset(str(file), None, None).fingerprint
    file.write_text("Q?\t18\n\n")
    assert read_dataset(str(file), None, None).fingerprint == before
    file.write_text("Q?\t19\n")
    assert read_dataset(str(file), None, None).fingerprint != before


@pytest.mark.parametrize(
    ("path", "num_questions", "gold"),
    [
        pytest.param(GSM8K, 300, "72", marks=needs(GSM8K)),
        pytest.param(MGSM, 250, "18", marks=needs(MGSM)),
        pytest.param(DATES, 359, "05/01/2021", marks=needs(DATES)),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_real_files_are_read_whole(path: Path, num_questions: int, gold: str) -> None:
    questions = read_dataset(str(path), None, None).questions
    assert len(questions) == num_questions
    assert questions[0].gold == (gold,)
