"""Options that cannot be used are told in one line."""

import json
from pathlib import Path

import pytest

from benchmarks.compare.command import EXIT_FAILED, EXIT_USAGE, main
from evaluation.eval_set import bundled_eval_set

UNUSABLE = [
    (["--rounds", "0"], "whole number from 1 on"),
    (["--k", "65"], "2..64"),
    (["--num-samples", "1"], "2..64"),
    (["--port", "65534"], "1..65532"),
    (["--only", "sglang"], "invalid choice"),
    (["--slow-questions", "9", "--questions", "8"], "--slow-questions"),
    (["--out", "no/such/folder/out.json"], "folder is not there"),
    (["--problems", "no-such-file.jsonl"], "no-such-file.jsonl"),
]


@pytest.mark.parametrize(("arguments", "reason"), UNUSABLE)
def test_unusable_option_is_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(arguments)
    except SystemExit as ended:  # by argparse
        code = ended.code
    said = capsys.readouterr().err
    assert code == EXIT_USAGE
    assert reason in said
    assert len(said.splitlines()) == 1


def test_problems_that_all_need_notes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = bundled_eval_set().read_text().splitlines()
    noted = [line for line in lines if json.loads(line)["facts"]]
    (tmp_path / "noted.jsonl").write_text("\n".join(noted))
    assert main(["--problems", str(tmp_path / "noted.jsonl")]) == EXIT_USAGE
    assert "needs notes" in capsys.readouterr().err


def test_server_of_ours_that_does_not_start_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)  # no checkpoint
    arguments = ["--checkpoint", folder, "--only", "vllm", "--port", "8490"]
    assert main(arguments) == EXIT_FAILED
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("compare: error: winnow, greedy: ")
