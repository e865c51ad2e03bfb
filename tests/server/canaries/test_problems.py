"""The operator's file of problems: what is wrong with it is told by line, the rest is used."""

from pathlib import Path

import pytest

from evaluation.eval_set import bundled_eval_set
from server.canaries.problems import UnusableCanaries, read_problems


def test_broken_lines_are_told_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    lines = (
        b'{"question": "2 + 2?", "gold": 4, "id": "kept out of the way"}',
        b"{",
        b"",
        b'{"question": 5, "gold": "4"}',
        b'{"question": "Half of 1?", "gold": ["1/2", 0.5]}',
        b'{"question": "no answer"}',
        b'{"question": "", "gold": "4"}',
        b'{"question": "Is it?", "gold": true}',
        b'{"question": "None?", "gold": []}',
        b'{"question": "Empty?", "gold": ""}',
        b'{"question": "\xff", "gold": "4"}',
        b"[1]",
    )
    path.write_bytes(b"\r\n".join(lines))
    file = read_problems(path)
    assert [p.gold for p in file.problems] == [("4",), ("1/2", "0.5")]
    numbers = [int(reason.split(":")[0].removeprefix("line ")) for reason in file.broken]
    assert numbers == [2, 4, 6, 7, 8, 9, 10, 11, 12]
    assert "question" in file.broken[1]
    assert "gold" in file.broken[2]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"rubbish", b'{"question": "2 + 2?"}'])
def test_file_without_a_problem_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableCanaries, match=r"problems\.jsonl: no problem"):
        read_problems(path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableCanaries, match="Is a directory"):
        read_problems(tmp_path)


def test_evaluation_set_of_pocket_is_such_a_file() -> None:
    file = read_problems(bundled_eval_set())
    assert len(file.problems) == 800
    assert not file.broken
