from dataclasses import replace
from pathlib import Path

import pytest

from compression.proof.figures import CheckpointFigures
from compression.proof.plot import NoPlots, curves, draw_proofs
from tests.compression.proof.example import PROOF, UNMEASURED, speed, task

SMALLER = replace(
    PROOF,
    compressed=CheckpointFigures("plain-w4a16", 600_000, 500_000, 2.0),
    speeds=(speed(1, 100.0, 110.0), speed(16, 900.0, 500.0)),
    tasks=(task("greedy", 8, 1), task("majority_vote", 20, 1)),
)


def test_curve_of_a_decoder_has_original_and_compressed_checkpoints() -> None:
    found = curves([PROOF, SMALLER])
    assert list(found) == ["greedy", "cot_decoding", "majority_vote"]
    greedy = found["greedy"]
    assert [one.name for one in greedy] == ["plain", "plain-w8a8", "plain-w4a16"]
    assert [one.is_original for one in greedy] == [True, False, False]
    assert [one.num_bytes for one in greedy] == [2_000_000, 1_000_000, 600_000]


def test_original_of_several_reports_is_one_point() -> None:
    """52 and 58 of 100 right; 700 and 900 tokens/s at batch 16."""
    original = curves([PROOF, SMALLER])["greedy"][0]
    assert original.value == pytest.approx(0.55)
    assert original.speed.median == 800.0
    assert (original.speed.low, original.speed.high) == pytest.approx((630.0, 990.0))


@pytest.mark.parametrize("name", ["figure.png", "figure.svg"])
def test_figure_is_drawn(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_proofs(tmp_path / name, [PROOF, SMALLER])
    content = (tmp_path / name).read_bytes()
    assert content.startswith((b"\x89PNG", b"<?xml"))
    if name.endswith("svg"):
        assert content.count(b"<!-- plain-w8a8 -->") == 2  # once a panel


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name, proof, said in [
        ("figure.pdf", PROOF, "must end in .png or .svg, got 'figure.pdf'"),
        ("nowhere/figure.png", PROOF, "there is no folder"),
        ("figure.png", UNMEASURED, "no accuracy was measured"),
    ]:
        with pytest.raises(NoPlots, match=said):
            draw_proofs(tmp_path / name, [proof])
