"""`winnow eval` as a user runs it, on a server that it starts itself."""

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.server.server_process import START_TIMEOUT_S, WINNOW, wait_until

pytestmark = pytest.mark.vllm
NUM_QUESTIONS = 24
DECODERS = ("plain", "cot_decoding:k=5")
STOP_TIMEOUT_S = 90.0


def start(out: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [
        *(WINNOW, "eval", "pocket", "--limit", str(NUM_QUESTIONS), "--concurrency", "1"),
        *("--out", out, "--decoders", *DECODERS),
    ]
    environment = {**os.environ, "WINNOW_STORE": str(out.with_suffix(".sqlite3"))}
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, env=environment)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_interrupted_run_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    file = out / "results.jsonl"
    process = start(out, log)
    try:
        wait_until(
            lambda: process.poll() is not None or (file.exists() and file.stat().st_size > 3000),
            START_TIMEOUT_S,
            "answering",
        )
        assert process.poll() is None, log.read_text()
        (server,) = children(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_TIMEOUT_S) == 130, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert not is_running(server)
    kept = file.read_bytes().splitlines()
    assert 0 < len(kept) < 2 * NUM_QUESTIONS
    assert f"{len(kept)} of {2 * NUM_QUESTIONS} are answered and kept" in log.read_text()

    again = start(out, log)
    try:
        assert again.wait(START_TIMEOUT_S + STOP_TIMEOUT_S) == 0, log.read_text()
    finally:
        again.kill()
        again.wait()
    lines = file.read_bytes().splitlines()
    assert lines[: len(kept)] == kept
    results = [json.loads(line) for line in lines]
    pairs = Counter((result["id"], result["decoder"]) for result in results)
    assert len(pairs) == 2 * NUM_QUESTIONS
    assert set(pairs.values()) == {1}
    assert all(result["error"] is None and result["num_tokens"] > 0 for result in results)
    plain, cot = json.loads((out / "summary.json").read_text())["decoders"]
    assert (plain["decoder"], cot["decoder"]) == DECODERS
    # README: greedily 8.0 % (5.4–11.6), by CoT-decoding over 99 % of the held-out numbers.
    assert plain["share"]["high"] < cot["share"]["low"]
    assert "McNemar p" in log.read_text()
    assert not out.with_suffix(".sqlite3").exists(), "the log of replies to users is not for it"


def test_checkpoint_that_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    command = [WINNOW, "eval", "pocket", "--checkpoint", "./nowhere", "--out", tmp_path / "out"]
    finished = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, timeout=START_TIMEOUT_S
    )
    assert finished.returncode == 2
    message = "checkpoint ./nowhere: no such file or folder"
    assert finished.stderr == f"winnow eval: error: {message}\n"
