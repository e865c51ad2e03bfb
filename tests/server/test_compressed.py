"""What the server says of a compressed checkpoint's report at its start."""

from pathlib import Path

import pytest

from compression.proof import Proof, write_proof
from server.compressed import REPORT, compression_lines
from tests.compression.proof.example import PROOF, UNMEASURED


def test_gains_and_costs_are_two_lines(tmp_path: Path) -> None:
    write_proof(PROOF, tmp_path)
    assert compression_lines(str(tmp_path)) == [
        "compressed from plain: 0.50 × its bytes, "
        "1.32 (1.19–1.45) × its decode tokens/s at batch 1, "
        "1.30 (1.17–1.43) × its decode tokens/s at batch 16, KL 0.0021, top-1 agreement 98.7 %",
        "right answers against it, points: greedy +1.0 (-4.1 to +6.1); "
        "cot_decoding -4.0 (-11.6 to +3.7)",
    ]


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    write_proof(UNMEASURED, tmp_path)
    (line,) = compression_lines(str(tmp_path))
    assert line.endswith("at batch 16")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b"{}", "original: Field required"),
        (b"\xff", "Invalid JSON"),
    ],
)
def test_broken_report_is_a_warning(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / REPORT).write_bytes(content)
    (line,) = compression_lines(str(tmp_path))
    assert line.startswith(f"warning: {tmp_path / REPORT} is ignored: ")
    assert said in line


def test_checkpoint_without_a_report_says_nothing(tmp_path: Path) -> None:
    assert compression_lines(str(tmp_path)) == []
    assert compression_lines("owner/name") == []


def test_example_is_a_proof() -> None:
    assert isinstance(PROOF, Proof)
