"""`winnow eval` against a server that answers what a test says."""

import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.command import main
from tests.evaluation.stub_server import (
    Answer,
    Json,
    Stub,
    completion,
    decoded,
    failure,
    question_of,
    running_stub,
    strategy_of,
)

NUM_QUESTIONS = 12


def answer_right(body: Json, num_before: int) -> Answer:
    """Question i asks for i."""
    number = question_of(body).split()[-1]
    return completion(f"It is {number}.") if strategy_of(body) == "plain" else decoded(number)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(answer_right) as running:
        yield running


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.tsv"
    file.write_text("".join(f"What is {number}\t{number}\n" for number in range(NUM_QUESTIONS)))
    return file


@pytest.fixture
def run(stub: Stub, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command; the exit code."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def call(*flags: str, decoders: tuple[str, ...] = ("plain", "greedy")) -> int:
        fixed = ("--server", stub.url, "--out", str(tmp_path / "out"))
        return main([str(questions), *fixed, "--decoders", *decoders, *flags])

    return call


def results(tmp_path: Path) -> list[Json]:
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def summary_of(tmp_path: Path, decoder: str) -> Json:
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (found,) = (one for one in summary["decoders"] if one["decoder"] == decoder)
    return dict(found)


def test_everything_is_asked_once_and_scored(run: Any, stub: Stub, tmp_path: Path) -> None:
    assert run("--concurrency", "3") == 0
    asked = Counter(stub.questions)
    assert len(asked) == 2 * NUM_QUESTIONS
    assert set(asked.values()) == {1}
    assert all(line["is_right"] and line["num_tokens"] == 10 for line in results(tmp_path))
    plain, greedy = (summary_of(tmp_path, name) for name in ("plain", "greedy"))
    assert plain["share"]["num_right"] == greedy["share"]["num_right"] == NUM_QUESTIONS
    assert (tmp_path / "out" / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_requests_carry_what_was_chosen_and_nothing_else(run: Any, stub: Stub) -> None:
    flags = ("--limit", "1", "--max-tokens", "77")
    assert run(*flags, decoders=("plain", "majority_vote:num_samples=3")) == 0
    message = [{"role": "user", "content": "What is 0"}]
    common = {"model": "stub", "messages": message, "max_tokens": 77}
    decoding = {"strategy": "majority_vote", "answer": "number", "num_samples": 3}
    assert stub.asked == [common | {"temperature": 0}, common | {"decoding": decoding}]
    assert stub.keys == {None}


@pytest.mark.parametrize("is_flag", [True, False])
def test_key_comes_from_the_flag_or_the_environment(
    run: Any, stub: Stub, is_flag: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "other" if is_flag else "secret")
    assert run(*(("--api-key", "secret") if is_flag else ()), "--limit", "1") == 0
    assert stub.keys == {"Bearer secret"}


def test_url_may_name_the_path_of_the_api(
    run: Any, stub: Stub, questions: Path, tmp_path: Path
) -> None:
    assert run("--limit", "1") == 0
    out = str(tmp_path / "out")
    again = [str(questions), "--server", f"{stub.url}/v1/", "--out", out, "--limit", "1"]
    assert main([*again, "--decoders", "plain", "greedy"]) == 0
    assert len(stub.asked) == 2, "the same target, so that all was answered"


def test_printed_tables_have_a_row_a_decoder_and_a_row_a_pair(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    """greedy is right on 3 of 12: plain alone on 9, p = 2 / 2⁹."""

    def script(body: Json, num_before: int) -> Answer:
        number = question_of(body).split()[-1]
        is_wrong = strategy_of(body) == "greedy" and int(number) >= 3
        return decoded("99") if is_wrong else answer_right(body, num_before)

    stub.script = script
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    (greedy,) = (line for line in lines if line.startswith("greedy"))
    assert greedy.split()[1:4] == ["12", "25.0", "%"]
    (pair,) = (line for line in lines if line.startswith("plain against greedy"))
    assert pair.split()[3:5] == ["12", "+75.0"]
    assert pair.split()[-3:] == ["9", "0", f"{2 / 2**9:.4f}"]


@pytest.mark.parametrize("status", [429, 503, None])
def test_busy_server_is_asked_again(
    run: Any, stub: Stub, tmp_path: Path, status: int | None
) -> None:
    def script(body: Json, num_before: int) -> Answer:
        return answer_right(body, num_before) if num_before else Answer({}, status)

    stub.script = script
    assert run("--limit", "1", decoders=("plain",)) == 0
    assert len(stub.asked) == 2
    assert [line["error"] for line in results(tmp_path)] == [None]


def test_failed_pair_leaves_the_rest_and_is_asked_again(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(body: Json, num_before: int) -> Answer:
        is_spoilt = question_of(body) == "What is 5" and strategy_of(body) == "greedy"
        return failure(500, "broken") if is_spoilt else answer_right(body, num_before)

    stub.script = script
    assert run() == 1
    err = capsys.readouterr().err
    assert "greedy: question line-6: status 500: broken" in err
    assert f"1 of {2 * NUM_QUESTIONS} are not answered" in err
    figures = summary_of(tmp_path, "greedy")
    assert (figures["num_answered"], figures["num_errors"]) == (NUM_QUESTIONS - 1, 1)
    stub.script = answer_right
    stub.asked.clear()
    assert run() == 0
    assert stub.questions == [("What is 5", "greedy")]
    figures = summary_of(tmp_path, "greedy")
    assert (figures["num_answered"], figures["num_errors"]) == (NUM_QUESTIONS, 0)


def test_refused_decoder_stops_at_its_first_question_and_others_go_on(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(body: Json, num_before: int) -> Answer:
        if strategy_of(body) == "cot_decoding":
            return failure(400, "decoding.k: k must be in 1..64, got 99")
        return answer_right(body, num_before)

    stub.script = script
    assert run(decoders=("cot_decoding:k=99", "plain")) == 1
    assert Counter(strategy for _, strategy in stub.questions) == {
        "cot_decoding": 1,
        "plain": NUM_QUESTIONS,
    }
    err = capsys.readouterr().err
    assert "cot_decoding:k=99: question line-1: status 400: decoding.k: k must be in 1..64" in err
    assert f"{NUM_QUESTIONS} of {2 * NUM_QUESTIONS} are not answered" in err


def test_refusal_of_one_question_does_not_stop_a_decoder_that_answered_others(
    run: Any, stub: Stub, tmp_path: Path
) -> None:
    def script(body: Json, num_before: int) -> Answer:
        if question_of(body) == "What is 3":
            return failure(400, "the prompt is too long")
        return answer_right(body, num_before)

    stub.script = script
    for _ in range(2):  # of the second run it is the first question
        assert run(decoders=("greedy",)) == 1
        assert summary_of(tmp_path, "greedy")["num_answered"] == NUM_QUESTIONS - 1
    assert len(stub.asked) == NUM_QUESTIONS + 1


def test_server_that_is_not_winnow_is_told_in_one_line(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.script = lambda body, num_before: completion("It is 0.")
    assert run(decoders=("greedy", "cot_decoding")) == 2
    err = capsys.readouterr().err
    (line,) = (line for line in err.splitlines() if "winnow eval:" in line)
    assert "greedy was asked for" in line
    assert "the server is not Winnow" in line
    assert len(stub.asked) == 1


def test_decoders_and_questions_may_be_added_and_nothing_is_asked_twice(
    run: Any, stub: Stub, tmp_path: Path
) -> None:
    assert run("--limit", "5", decoders=("plain",)) == 0
    assert run("--limit", "8", decoders=("greedy",)) == 0
    assert run(decoders=("plain", "greedy")) == 0
    asked = Counter(stub.questions)
    assert len(asked) == 2 * NUM_QUESTIONS
    assert set(asked.values()) == {1}
    assert summary_of(tmp_path, "plain")["num_answered"] == NUM_QUESTIONS


def test_torn_line_is_asked_again(run: Any, stub: Stub, tmp_path: Path) -> None:
    assert run() == 0
    file = tmp_path / "out" / "results.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    torn = json.loads(whole.splitlines()[-1])
    stub.asked.clear()
    assert run() == 0
    (question,) = stub.questions
    assert question == (f"What is {torn['gold'][0]}", torn["decoder"])
    assert len(results(tmp_path)) == 2 * NUM_QUESTIONS


def test_interrupted_run_keeps_what_was_answered_and_goes_on(
    run: Any, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(body: Json, num_before: int) -> Answer:
        if len(stub.asked) == 7:
            signal.raise_signal(signal.SIGTERM)
        return answer_right(body, num_before)

    stub.script = script
    assert run("--concurrency", "1") == 130
    kept = results(tmp_path)
    assert 0 < len(kept) <= 7
    err = capsys.readouterr().err
    assert f"interrupted: {len(kept)} of {2 * NUM_QUESTIONS} are answered and kept" in err
    assert f"--out {tmp_path / 'out'} goes on" in err
    stub.script = answer_right
    assert run() == 0
    assert results(tmp_path)[: len(kept)] == kept
    lines = Counter((line["id"], line["decoder"]) for line in results(tmp_path))
    assert len(lines) == 2 * NUM_QUESTIONS
    assert set(lines.values()) == {1}


def test_folder_of_other_settings_is_refused_and_nothing_asked(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--limit", "1") == 0
    stub.asked.clear()
    assert run("--limit", "1", "--max-tokens", "128") == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert "is of another run: max_tokens 512 there, 128 here" in err
    assert stub.asked == []


def test_without_matplotlib_there_is_a_note_and_no_figure(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run("--limit", "1") == 0
    assert "no figures: plots need matplotlib" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.png"))


def test_reliability_is_drawn_where_confidence_is_measured(
    run: Any, stub: Stub, tmp_path: Path
) -> None:
    assert run("--limit", "1") == 0
    assert not (tmp_path / "out" / "reliability.png").exists()
    stub.script = lambda body, num_before: decoded("0", confidence=0.7)
    assert run("--limit", "2", decoders=("cot_decoding",)) == 0
    assert (tmp_path / "out" / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_one_of_several_models_must_be_named(
    run: Any, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.models = ("stub", "stub:greedy", "other")
    assert run("--limit", "1") == 2
    assert "--model must name one of the models of" in capsys.readouterr().err
    assert run("--limit", "1", "--model", "other") == 0
    assert {body["model"] for body in stub.asked} == {"other"}


@pytest.mark.parametrize(
    ("flags", "exit_code", "message"),
    [
        (("nowhere.tsv",), 2, "nowhere.tsv: No such file"),
        (("pocket", "--decoders", "plain:k=2"), 2, "plain takes no parameters"),
        (("pocket", "--answer", "colour"), 2, "answer 'colour': "),
        (("pocket", "--server", "localhost:8000"), 2, "--server must be a URL such as"),
        (("pocket", "--server", "http://127.0.0.1:9"), 1, "/v1/models cannot be read"),
        (("pocket", "--server", "http://x", "--checkpoint", "y"), 2, "exclude each other"),
        (("pocket", "--model", "x"), 2, "--model x goes with --server"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used_is_one_line(
    flags: tuple[str, ...],
    exit_code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(flags) == exit_code
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
