"""Feedback on replies, through the running server."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from retrieval.sqlite_store import SQLiteStore
from server.replies.opening import open_reply_log
from tests.server.questions import COT, MODEL, VOTE, Json, chat
from tests.server.server_process import running_server

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
KEY, OTHER_KEY = {"authorization": "Bearer judge"}, {"authorization": "Bearer other"}
NUM_POSTS = 1000


def asked(http: httpx.Client, decoding: Json = COT) -> str:
    reply = http.post(CHAT, json=chat(decoding={**decoding, "answer": "number"}), headers=KEY)
    return str(reply.json()["id"])


def feedback(
    http: httpx.Client, reply_id: str, headers: dict[str, str] = KEY, **said: object
) -> httpx.Response:
    return http.post("/v1/feedback", json={"id": reply_id, **said}, headers=headers)


def test_feedback_is_counted_once(http: httpx.Client) -> None:
    def right() -> float:
        name = (
            f'winnow_answers_total{{model="{MODEL}",outcome="right",source="feedback",'
            'strategy="cot_decoding"} '
        )
        lines = http.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before, reply_id = right(), asked(http, {**COT, "k": 10})
    first = feedback(http, reply_id, reference="64", comment="as in the book").json()
    assert (first["is_right"], first["is_new"], first["is_remembered"]) == (True, True, False)
    again = feedback(http, reply_id, reference="64", comment="as in the book").json()
    assert (again["is_right"], again["is_new"]) == (True, False)
    assert right() == before + 1
    other = feedback(http, reply_id, correct=False)
    assert other.status_code == httpx.codes.CONFLICT
    assert "other feedback already" in other.json()["error"]["message"]


def test_feedback_may_say_only_whether_it_was_right(http: httpx.Client) -> None:
    assert feedback(http, asked(http, VOTE), correct=False).json()["is_right"] is False


def test_only_the_key_that_asked_may_judge(http: httpx.Client) -> None:
    reply_id = asked(http)
    for headers in (OTHER_KEY, {}):
        reply = feedback(http, reply_id, headers, correct=True)
        assert reply.status_code == httpx.codes.NOT_FOUND
        assert "for the key that asked" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "a"},
        {"id": "a", "correct": True, "reference": "64"},
        {"id": "\ud800", "reference": "64"},
        {"id": "a", "reference": 64},
        {"id": "a", "reference": ["64"]},
        {"id": "a", "reference": ""},
        {"id": "a", "correct": "yes"},
        {"id": "a", "reference": "64", "right": True},
    ],
)
def test_bad_feedback_is_a_400(http: httpx.Client, body: Json) -> None:
    headers = {**KEY, "content-type": "application/json"}
    reply = http.post("/v1/feedback", content=json.dumps(body), headers=headers)
    assert reply.status_code == httpx.codes.BAD_REQUEST


def test_acknowledged_feedback_outlives_a_kill(tmp_path: Path) -> None:
    """A thousand posts beside requests that run; then the server is killed."""
    with running_server("pocket", tmp_path / "log") as server, server.http() as http:
        ids = [asked(http) for _ in range(20)]
        extra = threading.Thread(target=lambda: [asked(http) for _ in range(20)])
        extra.start()

        def judge(number: int) -> int:
            said = {"correct": number % 2 == 0, "comment": str(number % len(ids))}
            return feedback(http, ids[number % len(ids)], **said).status_code

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(judge, range(NUM_POSTS)))
        extra.join()
        os.killpg(server.process.pid, signal.SIGKILL)  # its engine, too
        server.process.wait()
    assert set(statuses) == {httpx.codes.OK}
    store = SQLiteStore((tmp_path / "log").with_suffix(".sqlite3"))
    verdicts = {
        reply.id: verdict for reply, verdict in open_reply_log(store).replies(0, 10**12) if verdict
    }
    store.close()
    assert set(verdicts) == set(ids)
    for place, reply_id in enumerate(ids):
        assert (verdicts[reply_id].is_right, verdicts[reply_id].comment) == (
            place % 2 == 0,
            str(place),
        )
