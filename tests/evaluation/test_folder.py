"""What is kept of a run, and going on with it."""

import json
from pathlib import Path

import pytest

from evaluation.folder import RESULTS, Result, UnusableFolder, open_folder

RUN = {"dataset": "d", "max_tokens": 512, "target": "pocket"}


def result(question_id: str, decoder: str = "greedy", error: str | None = None) -> Result:
    return Result(
        id=question_id,
        decoder=decoder,
        parameters={"strategy": decoder},
        gold=("1",),
        text="¿«1»?\n\u2028",
        concurrency=8,
        error=error,
    )


def test_results_are_there_again_when_the_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    with open_folder(out, RUN) as folder:
        folder.add(result("a"))
        assert len((out / RESULTS).read_bytes().splitlines()) == 1, "kept at once"
        folder.add(result("b"))
    with open_folder(out, RUN) as folder:
        assert folder.results == [result("a"), result("b")]
        assert folder.is_answered("a", "greedy")
        assert not folder.is_answered("a", "cot_decoding")
        assert not folder.is_answered("c", "greedy")


def test_what_failed_is_not_answered_until_it_is(tmp_path: Path) -> None:
    with open_folder(tmp_path, RUN) as folder:
        folder.add(result("a", error="status 500"))
        folder.add(result("b"))
    with open_folder(tmp_path, RUN) as folder:
        assert not folder.is_answered("a", "greedy")
        folder.add(result("a"))
    with open_folder(tmp_path, RUN) as folder:
        assert folder.results == [result("a"), result("b")]


@pytest.mark.parametrize("num_kept_bytes", [1, 40, -1])
def test_torn_last_line_is_cut_off_and_written_anew(tmp_path: Path, num_kept_bytes: int) -> None:
    with open_folder(tmp_path, RUN) as folder:
        folder.add(result("a"))
        folder.add(result("b"))
    file = tmp_path / RESULTS
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:num_kept_bytes])
    with open_folder(tmp_path, RUN) as folder:
        assert folder.results == [result("a")]
        folder.add(result("b"))
    assert file.read_bytes() == first + second


def test_broken_line_before_the_last_is_named(tmp_path: Path) -> None:
    with open_folder(tmp_path, RUN) as folder:
        folder.add(result("a"))
    file = tmp_path / RESULTS
    file.write_bytes(b'{"id": "a"}\n' + file.read_bytes())
    with pytest.raises(UnusableFolder, match=r"results\.jsonl, line 1: decoder: Field required"):
        open_folder(tmp_path, RUN).__enter__()


def test_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    with open_folder(tmp_path, RUN):
        pass
    other = {"dataset": "e", "max_tokens": 128, "target": "pocket"}
    with pytest.raises(UnusableFolder) as failure:
        open_folder(tmp_path, other).__enter__()
    message = str(failure.value)
    assert "dataset 'd' there, 'e' here; max_tokens 512 there, 128 here" in message
    assert "target" not in message
    assert "\n" not in message
    assert json.loads((tmp_path / "run.json").read_bytes()) == RUN, "left as it was"


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UnusableFolder, match=r"is not empty and holds no run\.json"):
        open_folder(tmp_path, RUN).__enter__()


def test_two_processes_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with (
        open_folder(tmp_path, RUN),
        pytest.raises(UnusableFolder, match="another process is writing"),
    ):
        open_folder(tmp_path, RUN).__enter__()
