from dataclasses import replace

import pytest

from compression.proof import accuracy_drop, refusal
from tests.compression.proof.example import PROOF, UNMEASURED, task


def test_largest_drop_over_the_decoders_counts() -> None:
    """greedy: 2 lost, 3 won; cot_decoding: 9 lost, 5 won, of 100 each."""
    assert accuracy_drop(PROOF) == 4.0


def test_gain_of_every_decoder_is_a_negative_drop() -> None:
    assert accuracy_drop(replace(PROOF, tasks=(task("a", 0, 3), task("b", 1, 3)))) == -2.0


@pytest.mark.parametrize(("max_drop", "is_refused"), [(3.9, True), (4.0, False), (10.0, False)])
def test_point_estimate_decides(max_drop: float, is_refused: bool) -> None:
    """Though the interval of 4 points from 14 disagreements holds 0, too."""
    assert PROOF.tasks[1].change.high > 0
    assert (refusal(PROOF, max_drop) is not None) == is_refused


def test_refusal_names_decoder_drop_interval_and_limit() -> None:
    """The interval of the drop: centre (10 − 6) / 102, reach z · √((16/102 − (4/102)²) / 102)."""
    assert refusal(PROOF, 1.5) == (
        "accuracy with cot_decoding is 4.0 points below the original's (95 %: -3.7 to 11.6, "
        "100 questions); --max-accuracy-drop allows 1.5"
    )


def test_nothing_measured_is_no_pass() -> None:
    with pytest.raises(ValueError, match="no accuracy"):
        refusal(UNMEASURED, 5.0)
