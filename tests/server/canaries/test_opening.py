"""What the operator's settings make of canaries."""

from pathlib import Path
from typing import Any

import pytest

from decoding.verifiers import Verifiers
from server.canaries.opening import load_canaries
from server.canaries.problems import UnusableCanaries
from server.settings import Settings

NO_VERIFIERS = Verifiers({}, 1.0, {})


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    path = tmp_path / "problems.jsonl"
    path.write_text('{"question": "2 + 2?", "gold": 4}\n')
    return path


def test_there_are_none_unless_the_operator_names_a_file() -> None:
    assert load_canaries(Settings(), NO_VERIFIERS) is None


def test_decoders_are_strategies_or_objects(problems: Path) -> None:
    vote = {"strategy": "majority_vote", "num_samples": 5}
    canaries = load_canaries(
        Settings(canaries=problems, canary_decoders=("greedy", vote)), NO_VERIFIERS
    )
    assert canaries is not None
    assert [decoder.strategy for decoder in canaries.decoders] == ["greedy", "majority_vote"]
    assert canaries.decoders[1].parameters()["num_samples"] == 5


@pytest.mark.parametrize(
    ("decoder", "says"),
    [
        ("oracle", 'strategy of "oracle": strategy must be one of'),
        ({"strategy": "cot_decoding", "k": 1000}, "k must be in 1..64"),
        ({"strategy": "greedy", "retrieval": {"collection": "x"}}, "with retrieval"),
        ({"strategy": "greedy", "reference": "4"}, "with reference"),
        ({"strategy": "best_of_n", "verifier": "mine"}, "verifier"),
        ("greedy", "each strategy once, got greedy, greedy"),
    ],
)
def test_decoder_that_cannot_be_had_is_refused_by_name(
    problems: Path, decoder: Any, says: str
) -> None:
    settings = Settings(canaries=problems, canary_decoders=("greedy", decoder))
    with pytest.raises(UnusableCanaries, match="WINNOW_CANARY_DECODERS") as refusal:
        load_canaries(settings, NO_VERIFIERS)
    assert says in str(refusal.value)
