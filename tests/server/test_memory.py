"""A collection that remembers what was solved with it, through the running server."""

from collections.abc import Iterator

import httpx
import pytest

from tests.server.questions import Json, chat, response

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
KEY = {"authorization": "Bearer pupil"}
DECODING = {"strategy": "cot_decoding", "answer": "number", "retrieval": {"collection": "lessons"}}


@pytest.fixture
def lessons(http: httpx.Client) -> Iterator[None]:
    made = http.post("/v1/collections", json={"name": "lessons", "memory": True}, headers=KEY)
    assert made.json()["memory"] is True
    yield
    http.delete("/v1/collections/lessons", headers=KEY)


def asked(http: httpx.Client) -> Json:
    reply = http.post(CHAT, json=chat(decoding=DECODING), headers=KEY)
    assert reply.status_code == httpx.codes.OK, reply.text
    content: Json = reply.json()
    return content


def feedback(http: httpx.Client, reply_id: str, reference: str) -> httpx.Response:
    return http.post("/v1/feedback", json={"id": reply_id, "reference": reference}, headers=KEY)


def test_confirmed_reply_is_an_exemplar_of_the_next_request(
    http: httpx.Client, lessons: None
) -> None:
    first = asked(http)
    assert first["decoding"]["answer"] == "64"
    assert first["decoding"]["retrieval"]["memory"] == "quarantined"
    assert asked(http)["decoding"]["retrieval"]["passages"] == []  # it waits
    verdict = feedback(http, first["id"], "64").json()
    assert (verdict["is_right"], verdict["is_remembered"]) == (True, True)
    (cited,) = asked(http)["decoding"]["retrieval"]["passages"]
    assert (cited["kind"], cited["source"]) == ("exemplar", f"reply:{first['id']}")


def test_wrong_reply_is_forgotten(http: httpx.Client, lessons: None) -> None:
    first = asked(http)
    assert feedback(http, first["id"], "7").json()["is_remembered"] is False
    assert asked(http)["decoding"]["retrieval"]["passages"] == []


def test_streams_and_responses_are_remembered_by_their_ids(
    http: httpx.Client, lessons: None
) -> None:
    with http.stream("POST", CHAT, json=chat(decoding=DECODING, stream=True), headers=KEY) as reply:
        lines = [line for line in reply.iter_lines() if line.startswith('data: {"id":"')]
    streamed = lines[-1].removeprefix('data: {"id":"').partition('"')[0]
    assert feedback(http, streamed, "64").json()["is_right"] is True
    body = http.post("/v1/responses", json=response(decoding=DECODING), headers=KEY).json()
    assert body["decoding"]["retrieval"]["memory"] == "quarantined"
    assert feedback(http, body["id"], "64").json()["is_right"] is True


def test_question_that_means_nothing_alone_is_not_remembered(
    http: httpx.Client, lessons: None
) -> None:
    before = [{"role": "user", "content": "Tom bakes 35 muffins."}]
    before.append({"role": "assistant", "content": "He does."})
    messages = [*before, {"role": "user", "content": "How many muffins are there?"}]
    body = chat(messages=messages, decoding=DECODING)
    reply = http.post(CHAT, json=body, headers=KEY).json()
    assert reply["decoding"]["retrieval"]["memory"] is None


def test_collection_without_memory_remembers_nothing(http: httpx.Client) -> None:
    http.post("/v1/collections", json={"name": "lessons"}, headers=KEY)
    reply = asked(http)
    assert reply["decoding"]["retrieval"]["memory"] is None
    assert feedback(http, reply["id"], "64").json()["is_remembered"] is False
    http.delete("/v1/collections/lessons", headers=KEY)
