import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compression.checkpoint import REPORT
from compression.proof import UnreadableReport, read_proof, render_proof, write_proof
from compression.proof.figures import Spread
from compression.proof.report import render_comparison
from tests.compression.proof.example import PROOF, UNMEASURED, speed


@pytest.mark.parametrize("proof", [PROOF, UNMEASURED])
def test_what_is_written_is_read(proof: Any, tmp_path: Path) -> None:
    write_proof(proof, tmp_path)
    assert read_proof(tmp_path) == proof
    assert [path.name for path in tmp_path.iterdir()] == [REPORT]


def without_original(report: dict[str, Any]) -> None:
    del report["original"]


def with_text_for_bytes(report: dict[str, Any]) -> None:
    report["compressed"]["disk_bytes"] = "many"


def of_another_version(report: dict[str, Any]) -> None:
    report["version"] = 2


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_original, "original: "),
        (with_text_for_bytes, "compressed.disk_bytes: "),
        (of_another_version, "version: "),
    ],
)
def test_broken_report_names_its_file_and_field(
    damage: Callable[[dict[str, Any]], None], said: str, tmp_path: Path
) -> None:
    file = write_proof(PROOF, tmp_path)
    report = json.loads(file.read_text())
    damage(report)
    file.write_text(json.dumps(report))
    with pytest.raises(UnreadableReport) as caught:
        read_proof(tmp_path)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


def test_torn_report_is_told(tmp_path: Path) -> None:
    file = write_proof(PROOF, tmp_path)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UnreadableReport, match="Invalid JSON"):
        read_proof(tmp_path)


def test_missing_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableReport, match="No such file"):
        read_proof(tmp_path)


def cells(table: str, row: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(row)]
    return line.removeprefix(row).split()


def test_table_of_one_has_both_sides_and_their_ratio() -> None:
    table = render_proof(PROOF)
    assert cells(table, "on disk, MB") == ["2.0", "1.0", "0.500"]
    assert cells(table, "weights in memory, MB") == ["1.9", "0.9", "0.500"]
    assert cells(table, "perplexity, text.jsonl, 500 tokens") == ["2.000", "2.100", "1.050"]
    assert cells(table, "top-1 agreement") == ["98.70", "%"]
    assert cells(table, "cot_decoding")[-9:] == [
        *("-4.0", "-11.6", "to", "+3.7"),
        *("9", "5", "0.4240", "30", "32"),
    ]


def test_ratio_on_both_sides_of_1_is_not_told_apart() -> None:
    alike = replace(PROOF, speeds=(speed(1, 100.0, 105.0), speed(16, 700.0, 910.0)))
    (line,) = [one for one in render_proof(alike).splitlines() if "not told apart" in one]
    assert line.endswith(": decode tokens/s, batch 1")
    assert "not told apart" not in render_proof(PROOF)


def test_less_than_two_processes_of_one_checkpoint_differ_is_not_told_apart() -> None:
    steady = replace(speed(1, 100.0, 108.0), ratio=Spread(1.08, 1.07, 1.09))
    assert not steady.is_told_apart
    assert replace(steady, ratio=Spread(1.12, 1.07, 1.15)).is_told_apart
    assert not replace(steady, ratio=Spread(0.92, 0.91, 0.93)).is_told_apart
    assert replace(steady, ratio=Spread(0.57, 0.56, 0.58)).is_told_apart


def test_busy_machine_is_told() -> None:
    busy = replace(PROOF, machine=replace(PROOF.machine, load_average=(1.0, 7.5)))
    said = "speeds are of a busy machine: load average 7.5, 2 cores"
    assert said in render_proof(busy).splitlines()
    assert "busy" not in render_proof(PROOF)


def test_what_was_not_measured_is_told() -> None:
    table = render_proof(UNMEASURED)
    assert "not measured: no text\nnot measured: no questions" in table
    assert "perplexity" not in table


def test_comparison_has_a_line_for_each_side_of_each_proof() -> None:
    lines = render_comparison([PROOF, UNMEASURED]).splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["plain", "plain-w8a8"] * 2
    assert lines[1].split()[1:] == [
        *("1.0", "0.9", "2.100", "0.002100", "98.70", "%", "132", "910", "53.0", "55.0"),
    ]
    assert lines[3].split()[1:] == ["1.0", "0.9", *"–––", "132", "910", *"––"]
