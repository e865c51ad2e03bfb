"""The command, with real servers and engines, but none of the peers that are installed for it."""

import json
from pathlib import Path

import pytest

from benchmarks.compare.command import main

pytestmark = pytest.mark.vllm

ARGUMENTS = (
    *("--only", "vllm", "floor", "--tasks", "vote", "--questions", "4", "--slow-questions", "1"),
    *("--rounds", "2", "--concurrency", "4", "--num-samples", "4", "--port", "8486"),
)


def test_sides_answer_the_same_questions_and_are_held_against_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main([*ARGUMENTS, "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    sides = {side["label"]["key"]: side for side in written["sides"]}
    assert {key for key in sides if not key.startswith("floor")} == {
        *("winnow-vote", "winnow-vote-as-needed", "winnow-vote-all", "vllm-calls", "vllm-n")
    }
    for side in sides.values():
        assert side["failure"] is None
        assert [round_["num_questions"] for round_ in side["rounds"]] == [4, 4]
    # 16 samples of at least 8 tokens each, whoever draws them; a vote that stops may need fewer.
    for key, side in sides.items():
        fewest = 0 if key in ("winnow-vote", "winnow-vote-as-needed") else 4 * 4 * 8
        assert all(round_["num_tokens"] > fewest for round_ in side["rounds"])
    answered = [side["rounds"][0]["right"] for key, side in sides.items() if "floor" not in key]
    assert all(len(right) == 4 for right in answered)
    assert any(any(right) for right in answered)
    against = {ratio["pair"]["peer"]: ratio for ratio in written["ratios"]}
    assert "server's admission, plain" in against["floor"]["peer"]
    assert against["floor"]["ratio"]["median"] > 0
    shown = capsys.readouterr().out
    assert "THE FLOOR" in shown
    assert "winnow, majority_vote n=4, stop none : LLM.generate" in shown
