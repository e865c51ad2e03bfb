"""The stopping rules on recorded votes, where that data is at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from decoding.stopping import Votes, beta_decides, window_decides
from decoding.voting import leader, tally

RECORDED = Path("../shared/data/replay/date_codex002.jsonl")


def never(votes: Votes) -> bool:
    return False


def beta(votes: Votes) -> bool:
    return beta_decides(votes, 0.95)


def window(votes: Votes) -> bool:
    return window_decides(votes, 5)


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded votes are not at hand")
@pytest.mark.parametrize(
    ("is_decided", "num_used"), [(never, 40.0), (beta, 4.265), (window, 5.306)]
)
def test_rules_save_samples_and_lose_no_accuracy(
    is_decided: Callable[[Votes], bool], num_used: float
) -> None:
    """359 questions of 40 samples each: 80.78 % right with and without stopping."""
    lines = RECORDED.read_text().splitlines()
    used, right = [], 0
    for problem in map(json.loads, lines):
        answers = [sample["ref"] for sample in problem["samples"]]
        counted = next(
            (answers[:n] for n in range(1, len(answers) + 1) if is_decided(answers[:n])), answers
        )
        used.append(len(counted))
        right += leader(tally((answer, 1.0) for answer in counted)) == problem["gold"]
    assert sum(used) / len(used) == pytest.approx(num_used, abs=5e-4)
    assert 100 * right / len(used) == pytest.approx(80.78, abs=5e-3)
