"""A scenario as a user runs it, on a server that is started for it and killed in mid-run."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadtest.scenario.record import Record
from tests.server.server_process import START_TIMEOUT_S, wait_until

pytestmark = pytest.mark.vllm
NUM_BEFORE = 40
SCENARIO = """
name: killed
questions: {source: pocket, split: held_out_numbers}
mix:
- {name: plain, weight: 1}
- {name: cot, weight: 1, decoding: {strategy: cot_decoding, k: 5}}
arrivals: {kind: closed_loop, concurrency: 4}
duration_s: 600
gates: [{metric: share_right, call: cot, at_least: 0.9}]
"""


def read_records(file: Path) -> list[Record]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [Record.model_validate_json(line) for line in lines]


def test_what_was_taken_before_the_server_died_is_kept_and_marked(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    out, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "-m", "loadtest", "run", tmp_path / "scenario.yaml", "--out", out]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ))
    try:
        wait_until(
            lambda: (
                process.poll() is not None or len(read_records(out / "records.jsonl")) > NUM_BEFORE
            ),
            START_TIMEOUT_S,
            "answering",
        )
        (server,) = psutil.Process(process.pid).children()
        os.killpg(server.pid, signal.SIGKILL)
        assert process.wait(60) == 1, log.read_text()
    finally:
        process.kill()
        process.wait()
    records = read_records(out / "records.jsonl")
    answered = [one for one in records if one.error is None]
    assert len(answered) >= NUM_BEFORE
    assert all(one.ttft_ms is not None and one.ttft_ms <= one.latency_ms for one in answered)
    cot = [one for one in answered if one.call == "cot"]
    assert {one.num_candidates for one in cot} == {5}
    assert all((one.num_winner_tokens or 0) < (one.num_tokens or 0) for one in cot)
    assert sum(one.is_right for one in cot) / len(cot) > 0.8
    plain = [one for one in answered if one.call == "plain"]
    assert {one.num_candidates for one in plain} == {1}
    assert sum(one.is_right for one in plain) / len(plain) < 0.5
    summary = json.loads((out / "summary.json").read_text())
    assert "does not answer any more" in summary["incomplete"]
    assert "Broken off" in (out / "report.html").read_text()
    assert len(records) - len(answered) < 30
