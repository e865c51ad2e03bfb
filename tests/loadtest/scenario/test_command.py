"""`python -m loadtest run` against a server that answers what a test says."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.scenario.command import main
from tests.evaluation.stub_server import (
    Answer,
    Json,
    Stub,
    completion,
    failure,
    question_of,
    running_stub,
    strategy_of,
)

NUM_QUESTIONS = 5
MIX = """
mix:
- {name: plain, weight: 3}
- {name: cot, weight: 1, decoding: {strategy: cot_decoding}}
"""
CLOSED = "{kind: closed_loop, concurrency: 2}"


def answer_right(body: Json, _num_before: int) -> Answer:
    """Question i asks for i. Plain replies are wrong for odd ones."""
    number = int(question_of(body).split()[-1])
    if strategy_of(body) == "plain":
        return completion(f"It is {number - number % 2}.")
    candidates = [{"num_tokens": 4}, {"num_tokens": 6}]
    report = {"answer": str(number), "selected": 1, "candidates": candidates, "confidence": 0.9}
    return completion(f"It is {number}.", decoding=report)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(answer_right) as running:
        yield running


@pytest.fixture
def run(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a scenario of the given text; the exit code."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "questions.tsv").write_text(
        "".join(f"What is {number}\t{number}\n" for number in range(NUM_QUESTIONS))
    )

    def call(arrivals: str = CLOSED, more: str = "num_requests: 40", *flags: str) -> int:
        text = f"""
name: stubbed
server: {stub.url}
questions: {{source: questions.tsv}}
stream: false
num_warm_up: 0
arrivals: {arrivals}
{more}
"""
        (tmp_path / "scenario.yaml").write_text(text + ("" if "mix:" in more else MIX))
        return main([str(tmp_path / "scenario.yaml"), "--out", str(tmp_path / "out"), *flags])

    return call


def records(tmp_path: Path) -> list[Json]:
    lines = (tmp_path / "out/records.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def summary(tmp_path: Path) -> Json:
    contents: Json = json.loads((tmp_path / "out/summary.json").read_text())
    return contents


def test_closed_loop_keeps_every_request_and_judges_it(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    kept = records(tmp_path)
    assert sorted(one["number"] for one in kept) == list(range(40))
    assert len(stub.asked) == 40 + 2, "one of each way of asking comes before"
    cot = [one for one in kept if one["call"] == "cot"]
    assert 0 < len(cot) < 20
    assert all(one["is_right"] for one in cot)
    assert {(one["num_winner_tokens"], one["num_candidates"]) for one in cot} == {(6, 2)}
    plain = [one for one in kept if one["call"] == "plain"]
    assert Counter(one["is_right"] for one in plain)[False] == sum(
        int(one["question"].split("-")[1]) % 2 == 0 for one in plain
    ), "lines 2 and 4 hold the odd questions"
    (stage,) = summary(tmp_path)["stages"]
    assert [one["call"] for one in stage["figures"]] == ["all", "cot", "plain"]
    assert stage["incomplete"] is None
    out = capsys.readouterr().out
    assert "2 at once" in out
    assert "100.0 %" in out


def test_page_stands_alone(run: Any, tmp_path: Path) -> None:
    assert run() == 0
    page = (tmp_path / "out/report.html").read_text()
    assert page.count("<svg") == 4
    assert "src=" not in page
    assert "<script" not in page
    assert "&#34;closed_loop&#34;" in page, "the scenario stands there, escaped"


def test_decoders_are_asked_the_same_questions_in_the_same_order(run: Any, tmp_path: Path) -> None:
    assert run("{kind: closed_loop, concurrency: 1}") == 0
    for call in ("plain", "cot"):
        asked = [one["question"] for one in records(tmp_path) if one["call"] == call]
        assert asked == [f"line-{1 + n % NUM_QUESTIONS}" for n in range(len(asked))]


def test_a_repeated_question_has_another_salt(run: Any, stub: Stub) -> None:
    assert run() == 0
    asked = Counter((question_of(b), strategy_of(b), b["cache_salt"]) for b in stub.asked)
    assert set(asked.values()) == {1}


def test_prefixes_are_reused_on_request(run: Any, stub: Stub) -> None:
    assert run(CLOSED, "num_requests: 9\nreuse_prefixes: true") == 0
    assert not any("cache_salt" in body for body in stub.asked)


def test_open_arrivals_do_not_wait_for_replies(run: Any, stub: Stub, tmp_path: Path) -> None:
    """A reply takes 0.2 s and requests come every 0.02 s: ten are at work at once."""

    def slowly(body: Json, num_before: int) -> Answer:
        return replace(answer_right(body, num_before), after_s=0.2)

    stub.script = slowly
    assert run("{kind: constant, rate: 50}", "duration_s: 0.5\nmix: [{name: plain}]") == 0
    kept = sorted(records(tmp_path), key=lambda one: one["number"])
    assert [one["arrival_s"] for one in kept] == pytest.approx([n / 50 for n in range(25)])
    (stage,) = summary(tmp_path)["stages"]
    assert stage["offered_per_s"] == 50
    assert stage["wall_s"] < 25 * 0.2 / 2, "one after another would take 5 s"


def test_arrivals_beyond_those_in_flight_fail_and_are_told(
    run: Any, stub: Stub, tmp_path: Path
) -> None:
    def slowly(body: Json, num_before: int) -> Answer:
        return replace(answer_right(body, num_before), after_s=0.3)

    stub.script = slowly
    more = "num_requests: 30\nmax_in_flight: 2\nmix: [{name: plain}]"
    assert run("{kind: constant, rate: 1000}", more) == 0
    errors = Counter(one["error"] for one in records(tmp_path))
    assert errors == {None: 2, "not sent: 2 were in flight": 28}
    assert summary(tmp_path)["incomplete"] is None, "the server is there, only slow"


def test_sweep_takes_its_rates_from_what_it_measured(run: Any, tmp_path: Path) -> None:
    arrivals = "{kind: sweep, max_concurrency: 4, num_rates: 2, spacing: constant}"
    assert run(arrivals, "num_requests: 30\nmix: [{name: plain}]") == 0
    alone, all_, low, high = summary(tmp_path)["stages"]
    speeds = [one["figures"][0]["requests_per_s"] for one in (alone, all_)]
    assert high["offered_per_s"] == pytest.approx(max(speeds))
    assert low["offered_per_s"] == pytest.approx((speeds[0] + max(speeds)) / 2)
    assert (tmp_path / "out/report.html").read_text().count("<svg") == 6


@pytest.mark.parametrize(
    ("gate", "exit_code"),
    [
        ("{metric: share_right, call: cot, at_least: 1}", 0),
        ("{metric: share_right, call: plain, at_least: 0.9}", 3),
        ("{metric: latency_p99_ms, at_most: 0.001}", 3),
    ],
)
def test_gates_decide_the_exit_code(
    run: Any, gate: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(CLOSED, f"num_requests: 40\ngates: [{gate}]") == exit_code
    printed = capsys.readouterr()
    assert ("not kept" in printed.out) == (exit_code == 3)
    assert ("1 of 1 gates not kept" in printed.err) == (exit_code == 3)


def test_failures_are_results(run: Any, stub: Stub, tmp_path: Path) -> None:
    def busy(body: Json, num_before: int) -> Answer:
        return failure(503, "busy") if len(stub.asked) % 2 else answer_right(body, num_before)

    stub.script = busy
    assert run(CLOSED, "num_requests: 20\nmix: [{name: plain}]") == 0
    (stage,) = summary(tmp_path)["stages"]
    assert stage["figures"][0]["share_failed"] == 0.5
    assert stage["figures"][0]["errors"] == [["status 503: busy", 10]]


@pytest.mark.parametrize("arrivals", [CLOSED, "{kind: constant, rate: 200}"])
def test_server_that_dies_leaves_partial_results_that_are_marked(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], arrivals: str
) -> None:
    def dying(body: Json, num_before: int) -> Answer:
        is_dead = len(stub.asked) > 12
        return Answer({}, status=None) if is_dead else answer_right(body, num_before)

    stub.script = dying
    more = "num_requests: 1000\ngates: [{metric: share_right, at_least: 0}]"
    assert run(arrivals, more) == 1
    kept = records(tmp_path)
    answered = [one for one in kept if one["error"] is None]
    assert len(answered) == 10, "two of the twelve were before"
    assert 8 <= len(kept) - len(answered) < 100
    said = "the server does not answer any more"
    assert said in summary(tmp_path)["incomplete"]
    assert f"Broken off: {said}" in (tmp_path / "out/report.html").read_text()
    printed = capsys.readouterr()
    assert f"BROKEN OFF: {said}" in printed.out
    assert said in printed.err


def test_interruption_keeps_what_there_is(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopping(body: Json, num_before: int) -> Answer:
        if len(stub.asked) == 9:
            signal.raise_signal(signal.SIGTERM)
        return answer_right(body, num_before)

    stub.script = stopping
    assert run(CLOSED, "num_requests: 10000\nmix: [{name: plain}]") == 130
    assert 0 < len(records(tmp_path)) < 5000
    assert summary(tmp_path)["incomplete"] == "interrupted"
    assert "what was taken by then is kept" in capsys.readouterr().err


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_server_that_is_not_there(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(CLOSED, "num_requests: 5", "--server", "http://127.0.0.1:9") == 1
    assert "http://127.0.0.1:9" in last_line(capsys)
    assert not (tmp_path / "out").exists()


def test_refused_decoder_ends_the_run_at_once(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(body: Json, num_before: int) -> Answer:
        is_cot = strategy_of(body) == "cot_decoding"
        return failure(400, "no k") if is_cot else answer_right(body, num_before)

    stub.script = refusing
    assert run() == 2
    assert last_line(capsys) == "loadtest run: error: mix.cot: status 400: no k"
    assert len(stub.asked) == 2
    stub.script = answer_right
    assert run() == 0, "nothing was left in the folder"


def test_server_without_decoders_is_told(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.script = lambda body, _: completion("It is 1.")
    assert run() == 2
    assert "mix.cot" in (said := last_line(capsys))
    assert "not Winnow" in said


def test_wrong_gold_names_its_line(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "questions.jsonl").write_text(
        '{"id": "1", "question": "q", "gold": "1"}\n{"id": "2", "question": "q", "gold": true}\n'
    )
    more = "num_requests: 5\n"
    (tmp_path / "scenario.yaml").write_text("")
    text = f"name: x\nserver: http://127.0.0.1:9\narrivals: {CLOSED}\n{more}"
    (tmp_path / "other.yaml").write_text(text + "questions: {source: questions.jsonl}\n")
    assert main([str(tmp_path / "other.yaml")]) == 2
    said = last_line(capsys)
    assert "questions.jsonl, line 2: gold: must be a string, a number or a list" in said


def test_folder_with_something_in_it_is_left_alone(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("x")
    assert run() == 2
    assert "is not empty" in last_line(capsys)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine"]
    assert stub.asked == []


def test_zero_duration_is_refused(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CLOSED, "num_requests: 5", "--duration-s", "0") == 2
    assert "duration_s: Input should be greater than 0, got 0.0" in last_line(capsys)
