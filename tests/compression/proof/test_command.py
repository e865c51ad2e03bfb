"""What is wrong with the command line is told before anything is loaded."""

import shutil
from pathlib import Path

import pytest

from compression.checkpoint import bundled_checkpoint
from compression.command import main
from compression.proof import Serving, write_proof
from tests.compression.proof.example import PROOF, UNMEASURED

NOTHING_STARTED = Serving((), {})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled_checkpoint(), tmp_path / "copy"))


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(one) for one in arguments], NOTHING_STARTED) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("winnow compress: error: ")
    return line.removeprefix("winnow compress: error: ")


def test_folder_that_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing"
    assert told(capsys, "prove", "pocket", missing) == f"checkpoint {missing}: no such folder"
    assert told(capsys, "prove", tmp_path, "pocket", "--text", "none") == (
        f"checkpoint {tmp_path}: config.json is missing"
    )


def test_checkpoint_is_not_proved_against_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "prove", "pocket", "pocket").endswith(": is the original itself")


def test_gate_without_questions(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--dataset", "none", "--max-accuracy-drop", "2")
    assert told(capsys, "prove", "pocket", copy, *flags) == (
        "--max-accuracy-drop 2 needs a --dataset to measure accuracy on"
    )


def test_split_of_a_file(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--dataset", "file.jsonl", "--split", "held_out_numbers")
    assert told(capsys, "prove", "pocket", copy, *flags) == (
        "--split held_out_numbers goes with --dataset pocket, not file.jsonl"
    )


def test_plot_that_cannot_be_drawn(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(capsys, "prove", "pocket", copy, "--plot", "figure.pdf")
    assert line == "--plot must end in .png or .svg, got 'figure.pdf'"


def test_questions_that_are_not_there(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(capsys, "prove", "pocket", copy, "--dataset", "nowhere.jsonl")
    assert line == "--dataset nowhere.jsonl: no such file"


def test_text_that_is_not_there(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(capsys, "prove", "pocket", copy, "--text", "nowhere.jsonl")
    assert line == "nowhere.jsonl: No such file or directory"


@pytest.mark.parametrize(
    "flags",
    [("--rounds", "0"), ("--max-accuracy-drop", "-1"), ("--max-accuracy-drop", "nan"), ("--odd",)],
)
def test_wrong_flag(flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prove", "pocket", "elsewhere", *flags], NOTHING_STARTED)
    assert caught.value.code == 2
    assert flags[0] in capsys.readouterr().err


def test_report_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "report", tmp_path).endswith(
        "winnow_report.json: No such file or directory"
    )


def test_several_reports_are_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, proof in zip(folders, (PROOF, UNMEASURED), strict=True):
        folder.mkdir()
        write_proof(proof, folder)
    assert main(["report", *map(str, folders)], NOTHING_STARTED) == 0
    assert capsys.readouterr().out.count("plain-w8a8") == 2
