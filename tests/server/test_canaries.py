"""Canaries on a real server: asked while it is idle, judged, kept, and out of the users' way."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from server.replies.report_command import main as report
from tests.server.questions import GREEDY, QUESTION, Json, chat, completion, held_out
from tests.server.server_process import (
    ServerProcess,
    refused_start,
    running_server,
    wait_until,
)
from tests.server.test_metrics import of, series

pytestmark = pytest.mark.vllm
DECODERS = ["greedy", "cot_decoding", {"strategy": "majority_vote", "prompt_template": "qa"}]
NUM_PROBLEMS = 12


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("canaries")
    problems = [json.dumps(problem) for problem in held_out(NUM_PROBLEMS)]
    (folder / "problems.jsonl").write_text("\n".join(["{broken", *problems]))
    environment = {
        "WINNOW_CANARIES": str(folder / "problems.jsonl"),
        "WINNOW_CANARY_DECODERS": json.dumps(DECODERS),
        "WINNOW_CANARY_INTERVAL_S": "1",
        "WINNOW_LOG_PROMPTS": "true",
    }
    with running_server("pocket", folder / "server.log", environment=environment) as running:
        yield running
        running.terminate()
        assert running.wait() == 0, running.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.http() as http:
        yield http


def num_answered(http: httpx.Client, strategy: str = "cot_decoding") -> float:
    labels = {"strategy": strategy, "model": "pocket", "outcome": "answered"}
    return of(series(http), "winnow_canaries_total", **labels)


def test_every_decoder_is_judged_and_users_are_counted_apart(http: httpx.Client) -> None:
    wait_until(lambda: num_answered(http, "majority_vote") >= 4, 60, "asked")
    found = series(http)
    of_canaries = {"model": "pocket", "source": "canary"}
    right = of(found, "winnow_accuracy", strategy="cot_decoding", **of_canaries)
    assert right > 0.9
    assert of(found, "winnow_accuracy", strategy="greedy", **of_canaries) < 0.5
    assert not any(name == "winnow_request_seconds_count" for name, _ in found)


def test_broken_line_is_told(server: ServerProcess) -> None:
    lines = server.log.read_text().splitlines()
    (told,) = [line for line in lines if "WINNOW_CANARIES" in line]
    assert "line 1: Invalid JSON" in told


def test_none_is_asked_while_users_are_served(server: ServerProcess, http: httpx.Client) -> None:
    busy_s = 4.0
    ends_at = time.monotonic() + busy_s
    replies: list[httpx.Response] = []

    def use() -> None:
        with server.http() as own:
            while time.monotonic() < ends_at:
                reply = own.post("/v1/chat/completions", json=chat())
                replies.append(reply.raise_for_status())

    with ThreadPoolExecutor(2) as pool:
        users = [pool.submit(use) for _ in range(2)]
        wait_until(lambda: len(replies) > 2, busy_s, "busy")
        before = num_answered(http)
        wait_until(lambda: time.monotonic() > ends_at - 0.5, busy_s, "used for a while")
        assert num_answered(http) == before
        for user in users:
            user.result()
    wait_until(lambda: num_answered(http) > before, 30, "asked again")


@pytest.mark.parametrize(
    ("path", "body", "question"),
    [
        ("/v1/chat/completions", chat(decoding=GREEDY), QUESTION),
        (
            "/v1/completions",
            completion(prompt="2 + 2?", decoding={**GREEDY, "prompt_template": "qa"}),
            "2 + 2?",
        ),
    ],
)
def test_log_keeps_canaries_and_questions_where_the_operator_says_so(
    server: ServerProcess,
    http: httpx.Client,
    tmp_path: Path,
    path: str,
    body: Json,
    question: str,
) -> None:
    reply_id = http.post(path, json=body).raise_for_status().json()["id"]
    http.post("/v1/feedback", json={"id": reply_id, "correct": True}).raise_for_status()
    kept = tmp_path / "replies.jsonl"
    store = str(server.log.with_suffix(".sqlite3"))
    assert report(["--store", store, "--replies", str(kept)]) == 0
    replies = [json.loads(line) for line in kept.read_text().splitlines()]
    (own,) = [reply for reply in replies if reply["id"] == reply_id]
    assert (own["source"], own["prompt"], own["is_right"]) == ("user", question, True)
    canaries = [reply for reply in replies if reply["source"] == "canary"]
    assert {reply["strategy"] for reply in canaries} == {"greedy", "cot_decoding", "majority_vote"}
    assert all(reply["is_right"] is not None for reply in canaries)
    assert not any("tenant" in reply for reply in replies)


@pytest.mark.parametrize(
    ("when", "flags", "says"),
    [
        ("always", (), "WINNOW_CANARY_WHEN=always needs --scheduling-policy priority, got fcfs"),
        ("idle", ("--api-server-count", "2"), "WINNOW_CANARY_WHEN=idle needs --api-server-count 1"),
    ],
)
def test_flags_that_do_not_go_with_when_are_one_line_at_start(
    tmp_path: Path, when: str, flags: tuple[str, ...], says: str
) -> None:
    problems = tmp_path / "problems.jsonl"
    problems.write_text('{"question": "2 + 2?", "gold": 4}')
    environment = {"WINNOW_CANARIES": str(problems), "WINNOW_CANARY_WHEN": when}
    assert says in refused_start(tmp_path / "log", "pocket", *flags, environment=environment)
