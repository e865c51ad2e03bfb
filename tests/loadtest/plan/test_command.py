"""`python -m loadtest plan` as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.plan.command import main
from loadtest.plan.planner import search
from loadtest.scaling.measured import write_measurements
from tests.loadtest.plan.simulated import COSTS, measurements
from tests.loadtest.scaling.points import POINT, measured

PAPER = ("--gpu", "H100", "--prompt-tokens", "300", "--output-tokens", "400")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "scaling.json"
    write_measurements(path, measurements())
    return path


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Any:  # a function
    def run(*flags: str, exit_code: int = 0) -> dict[str, Any]:
        assert main(["--json", *flags]) == exit_code
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return run


def test_measured_capacity_decides_how_many(plan: Any, file: Path) -> None:
    """A vote of 8: 160 tokens at (4 + 64 · 0.2)/64 ms = 42; 60 + 7 · 8.5 = 119.5 prompt tokens at
    0.1 = 11.95; 2 a question: 55.95 ms, 17.87 questions/s. 100/s at 80 % of it: 6.99, so 7."""
    told = plan("--measurements", str(file), "--rate", "100")
    assert told["plan"]["capacity"] == pytest.approx(17.87, rel=0.03)
    assert told["plan"]["closed_form"]["replicas"] == 7
    assert told["plan"]["simulated"]["replicas"] == 7
    assert told["plan"]["simulated"]["utilization"] == pytest.approx(100 / 7 / 17.87, rel=0.03)
    assert told["tokens_per_question"] == pytest.approx(160)
    assert told["plan"]["binds"] == "decoding steps"
    assert told["replica"]["costs"]["step_s"] == pytest.approx(COSTS.step_s, rel=0.02)


def test_slo_asks_for_more_replicas(plan: Any, file: Path) -> None:
    """Alone a vote of 8 takes 20 · 5.6 + 11.95 + 2 = 125.95 ms; it is to take hardly longer."""
    flags = ("--measurements", str(file), "--rate", "100")
    told = plan(*flags, "--slo-ms", "200")
    answer = told["plan"]["simulated"]
    assert told["plan"]["alone_ms"] == pytest.approx(126, rel=0.03)
    assert told["plan"]["binds"] == "latency"
    assert answer["replicas"] > 7
    assert answer["percentile_ms"] <= 200
    assert plan(*flags, "--slo-ms", "400")["plan"]["simulated"]["replicas"] < answer["replicas"]


def test_slo_below_a_question_alone_is_never_held(
    plan: Any, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--measurements", str(file), "--rate", "100", "--slo-ms", "100")
    assert plan(*flags, exit_code=3)["plan"]["simulated"] is None
    assert main(flags) == 3
    assert "no number of replicas holds 100 ms" in capsys.readouterr().out


def test_paper_says_that_it_is_paper(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--rate", "50", "--strategy", "majority_vote", "--num-samples", "16", *PAPER)
    assert main([*flags, "--questions", "200"]) == 0
    text = capsys.readouterr().out
    assert "majority_vote × 16 at 50 questions/s; pocket on H100, on paper" in text
    assert "on paper, not measured" in text
    assert "NVIDIA H100 data sheet" in text
    assert "closed form" in text
    assert "what binds: API server" in text  # 17 ms of it a question, and pocket is tiny


def test_gpus_are_counted_and_not_replicas(plan: Any) -> None:
    flags = ("--rate", "5", "--tensor-parallel", "2", "--questions", "200", *PAPER)
    answer = plan(*flags)["plan"]["simulated"]
    assert (answer["replicas"], answer["gpus"]) == (1, 2)


def test_same_seed_same_plan(plan: Any) -> None:
    flags = ("--rate", "20", "--slo-ms", "9000", "--questions", "200", *PAPER)
    assert plan(*flags) == plan(*flags)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--rate", "0", *PAPER), "argument --rate: must be a number above 0, got '0'"),
        (("--rate", "-3", *PAPER), "argument --rate: must be a number above 0, got '-3'"),
        (("--rate", "inf", *PAPER), "argument --rate: must be a number above 0, got 'inf'"),
        (("--rate", "1", "--strategy", "beam", *PAPER), "--strategy: invalid choice: 'beam'"),
        (("--rate", "1", "--gpu", "H900"), "--gpu: invalid choice: 'H900'"),
        (("--rate", "1"), "one of the arguments --measurements --gpu --check is required"),
        (("--rate", "1", "--percentile", "100", *PAPER), "--percentile: must be a number above 0"),
        (("--rate", "1", "--utilization", "1.1", *PAPER), "--utilization: must be a number above"),
        (("--rate", "1", "--seed", "-1", *PAPER), "--seed: must be a whole number from 0 on"),
    ],
)
def test_flags_out_of_range_are_named(
    flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (PAPER, "--rate is needed"),
        (("--rate", "1", "--gpu", "L4", "--output-tokens", "9"), "--prompt-tokens is needed"),
        (("--rate", "1", "--gpu", "L4", "--prompt-tokens", "9"), "--output-tokens is needed"),
        (("--rate", "1", "--strategy", "plain", "--k", "3", *PAPER), "--k 3 is of cot_decoding"),
        (("--rate", "1", "--strategy", "plain", "--num-samples", "3", *PAPER), "is not of plain"),
        (("--rate", "1", "--num-samples", "1", *PAPER), "--num-samples must be at least 2, got 1"),
        (("--rate", "1", *PAPER, "--output-tokens", "1800"), "must be at most 2048 together"),
        (("--rate", "1", *PAPER, "--checkpoint", "nowhere"), "config.json cannot be read"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 2
    said = capsys.readouterr().err
    assert said.startswith("plan: error: ")
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--tensor-parallel", "2"), "--tensor-parallel 2 is of --gpu alone"),
        (("--checkpoint", "other"), "--checkpoint other is not what"),
        (("--strategy", "deepconf"), "--prompt-tokens is needed"),
    ],
)
def test_flags_that_contradict_measurements_are_refused(
    file: Path, flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--measurements", str(file), "--rate", "1", *flags]) == 2
    assert message in capsys.readouterr().err


def test_decoder_that_was_not_measured_is_planned_by_its_lengths(plan: Any, file: Path) -> None:
    flags = ("--measurements", str(file), "--rate", "10", "--strategy", "deepconf")
    told = plan(*flags, "--prompt-tokens", "60", "--output-tokens", "20", "--questions", "300")
    assert [stage["num_paths"] for stage in told["question"]["stages"]] == [16, 16]


def test_extrapolation_is_said(plan: Any, file: Path) -> None:
    flags = ("--measurements", str(file), "--rate", "1", "--questions", "200")
    near, far = plan(*flags), plan(*flags, "--output-tokens", "200")
    assert not any("extrapolated" in line for line in near["assumptions"])
    assert any("paths of 200 tokens are beyond" in line for line in far["assumptions"])
    assert any("12 points held out" in line for line in near["assumptions"])


def test_check_prints_errors(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(file)]) == 0
    text = capsys.readouterr().out
    assert "fitted: a step 4.0" in text
    assert "12 points held out: median (worst) error of questions/s " in text


def test_other_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few.json"
    write_measurements(few, measured([POINT]))
    assert main(["--check", str(few)]) == 2
    assert "a fit needs 3 points" in capsys.readouterr().err
    assert main(["--check", str(tmp_path / "none.json")]) == 2


@pytest.mark.parametrize("wanted", [5, 6, 9, 40, 1000])
def test_search_finds_the_least_that_holds(wanted: int) -> None:
    assert search(5, lambda replicas: replicas >= wanted) == wanted


def test_search_that_never_holds_ends() -> None:
    assert search(3, lambda _replicas: False) is None
