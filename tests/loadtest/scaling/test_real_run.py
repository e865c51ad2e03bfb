"""A short run on a real server, whose measurements the planner takes."""

import json
from pathlib import Path

import pytest

from loadtest.plan.command import main as plan
from loadtest.scaling.command import main as scale
from loadtest.scaling.measured import read_measurements
from measurement.machine import free_port

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale")
    flags = (
        *("--concurrencies", "1", "4", "16", "--branches", "2", "8", "--prompt-words", "200"),
        *("--strategies", "plain", "cot_decoding", "--point-s", "2"),
        *("--max-num-seqs", "64", "--port", str(free_port())),
        *("--out", str(folder / "scaling.json"), "--plot", str(folder / "scaling.png")),
    )
    assert scale(flags) == 0
    assert (folder / "scaling.png").stat().st_size > 5_000
    return folder / "scaling.json"


def test_points_say_what_was_done(file: Path) -> None:
    measurements = read_measurements(file)
    assert len(measurements.points) == 2 * 3 + 2 + 1
    assert measurements.engine.max_num_seqs == 64
    assert measurements.engine.block_size == 32
    for point in measurements.points:
        assert point.failures == {}
        assert point.latency is not None
        assert point.work is not None
        assert point.engine is not None
        assert point.engine.peak_running <= 64
        assert point.memory_mb is not None
        assert point.memory_mb > 500
        # Little's law ties what was measured apart from each other.
        clients = point.questions_per_s * point.latency.mean_ms / 1000
        assert 0.5 * point.concurrency < clients < 1.7 * point.concurrency
    cot = [p for p in measurements.points if p.branches == 10]
    # README: 99 % and 45 % of the two kinds of problems; greedily 8 % and 4 %.
    assert sum(point.num_right for point in cot) > 0.4 * sum(point.num_answered for point in cot)
    (long,) = [p for p in measurements.points if p.sweep == "prompt"]
    assert long.work is not None
    assert long.work.prompt_tokens > 150


def test_planner_checks_itself_against_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(["--check", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["points"]) == 9
    errors = [abs(p["errors"]["questions_per_s"]) for p in told["points"] if p["is_held_out"]]
    # Loosely: other tests run on the same cores, and two seconds a point are few.
    assert sorted(errors)[len(errors) // 2] < 0.7


def test_planner_plans_with_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--measurements", str(file), "--strategy", "cot_decoding", "--json")
    replicas = []
    for rate in ("1", "200"):
        assert plan([*flags, "--rate", rate]) == 0
        replicas.append(json.loads(capsys.readouterr().out)["plan"]["simulated"]["replicas"])
    assert replicas[0] == 1
    assert replicas[1] > 2
