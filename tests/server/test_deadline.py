"""`timeout_s`: requests end in time, with what was decided or a 504, and leave nothing running."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
from fastapi.responses import Response, StreamingResponse

from server.settings import Settings
from tests.server.events import read_stream
from tests.server.questions import COT, GREEDY, MESSAGES, MODEL, QUESTION, Json, chat, completion
from tests.server.questions import response as ask_response
from tests.server.server_process import ServerProcess, num_requests, wait_until

pytestmark = pytest.mark.vllm
TIMEOUT_S = 0.4
IDLE_WITHIN_S = 2.0
MANY = 1900
ENDLESS: Json = {"ignore_eos": True, "timeout_s": TIMEOUT_S}
REQUESTS = {
    "/v1/chat/completions": chat(**ENDLESS) | {"max_tokens": MANY},
    "/v1/completions": completion(**ENDLESS) | {"max_tokens": MANY},
    "/v1/responses": ask_response(**ENDLESS) | {"max_output_tokens": MANY},
}
CHAT = "/v1/chat/completions"
DECODERS: dict[str, Json] = {
    "plain": {},
    "greedy": {"decoding": GREEDY},
    "cot_decoding": {"decoding": {"strategy": "cot_decoding", "k": 8}},
    "majority_vote": {"decoding": {"strategy": "majority_vote", "num_samples": 16}},
}
CASES = [
    *((path, "plain") for path in REQUESTS),
    *((CHAT, decoder) for decoder in ("greedy", "cot_decoding", "majority_vote")),
    ("/v1/completions", "majority_vote"),
    ("/v1/responses", "greedy"),
    ("/v1/responses", "cot_decoding"),
]


@pytest.fixture
def idle(http: httpx.Client) -> Iterator[httpx.Client]:
    """A server that is idle before, and soon after."""
    wait_until(lambda: num_requests(http) == 0, IDLE_WITHIN_S, "idle")
    yield http
    wait_until(lambda: num_requests(http) == 0, IDLE_WITHIN_S, "idle")


def message(decoder: str) -> str:
    what = "the reply was not complete" if decoder == "plain" else "no path was complete"
    return f"{what} after {TIMEOUT_S} s (timeout_s); ask for fewer tokens or more time"


@pytest.mark.parametrize(("path", "decoder"), CASES)
def test_whole_request_without_a_reply_in_time_is_a_504(
    idle: httpx.Client, path: str, decoder: str
) -> None:
    reply = idle.post(path, json=REQUESTS[path] | DECODERS[decoder])
    assert reply.status_code == httpx.codes.GATEWAY_TIMEOUT
    assert reply.json() == {
        "error": {
            "message": message(decoder),
            "type": "InternalServerError",
            "param": None,
            "code": 504,
        }
    }


@pytest.mark.parametrize(("path", "decoder"), CASES)
def test_stream_without_a_reply_in_time_ends_in_an_error(
    idle: httpx.Client, path: str, decoder: str
) -> None:
    stream = read_stream(idle, path, REQUESTS[path] | DECODERS[decoder])
    *before, last = stream.chunks
    if path == "/v1/responses":
        assert stream.lines[-2] == "event: error"
        assert (last["type"], last["code"], last["message"]) == ("error", "504", message(decoder))
        assert last["sequence_number"] == before[-1]["sequence_number"] + 1
    else:
        assert stream.lines[-1] == "data: [DONE]"
        assert (last["error"]["code"], last["error"]["message"]) == (504, message(decoder))
        assert all("error" not in chunk for chunk in before)


def test_official_client_raises_what_the_stream_says(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        stream=True,
        max_tokens=MANY,
        extra_body=ENDLESS,
    )
    with pytest.raises(openai.APIError, match="not complete after"):
        list(chunks)


def test_several_replies_of_a_plain_request_end_together(idle: httpx.Client) -> None:
    reply = idle.post(CHAT, json=REQUESTS[CHAT] | {"n": 4, "temperature": 1.0})
    assert reply.status_code == httpx.codes.GATEWAY_TIMEOUT


@pytest.mark.parametrize("decoder", DECODERS)
def test_request_that_is_out_of_time_at_once_is_a_504(idle: httpx.Client, decoder: str) -> None:
    reply = idle.post(CHAT, json=chat(timeout_s=1e-6, **DECODERS[decoder]))
    assert reply.status_code == httpx.codes.GATEWAY_TIMEOUT
    assert "after 1e-06 s" in reply.json()["error"]["message"]


def test_what_was_complete_in_time_decides(idle: httpx.Client) -> None:
    """A stop string ends the path that says " answer" first thing; the others go on and on."""
    decoding = {"strategy": "cot_decoding", "k": 3, "answer": "text", "return_texts": True}
    openings = idle.post(CHAT, json=chat(decoding=decoding)).json()["decoding"]["candidates"]
    texts = [candidate["text"] for candidate in openings]
    direct = min(range(3), key=lambda i: len(texts[i]))
    stop = texts[direct][-len("is 46.") :]
    assert not any(stop in text for i, text in enumerate(texts) if i != direct), texts
    body = REQUESTS[CHAT] | {"decoding": decoding, "stop": [stop], "timeout_s": 1}
    report = idle.post(CHAT, json=body).json()["decoding"]
    assert report["timed_out"]
    assert report["selected"] == direct


def test_reply_in_time_says_so(idle: httpx.Client) -> None:
    whole = idle.post(CHAT, json=chat(timeout_s=60, decoding=COT)).json()
    assert whole["decoding"]["timed_out"] is False
    assert whole["choices"][0]["finish_reason"] == "stop"
    plain = idle.post(CHAT, json=chat(timeout_s=60, temperature=0)).json()
    assert plain["choices"] == idle.post(CHAT, json=chat(temperature=0)).json()["choices"]
    stream = read_stream(idle, CHAT, chat(timeout_s=60, temperature=0))
    assert stream.chat_text == plain["choices"][0]["message"]["content"]
    assert stream.lines[-1] == "data: [DONE]"


@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
@pytest.mark.parametrize("value", ["0", "-1", "true", '"2"', "600.5", "NaN", "1e999"])
def test_time_that_is_not_allowed_is_refused(http: httpx.Client, path: str, value: str) -> None:
    body = json.dumps(REQUESTS[path] | {"timeout_s": "VALUE"}).replace('"VALUE"', value)
    reply = http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    error = reply.json()["error"]
    shown = {"1e999": "Infinity"}.get(value, value)
    assert error["param"] == "timeout_s"
    rule = "a number of seconds above 0 and at most 600"
    if value in ("NaN", "1e999"):  # which no field may be
        rule = "a finite number"
    assert error["message"] == f"timeout_s must be {rule}, got {shown}"


def test_background_responses_take_no_time_limit(http: httpx.Client) -> None:
    body = {"model": MODEL, "input": QUESTION, "background": True, "timeout_s": 2}
    reply = http.post("/v1/responses", json=body)
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "timeout_s"


def test_requests_that_ran_out_of_time_are_counted(http: httpx.Client) -> None:
    def counted() -> float:
        lines = http.get("/metrics").text.splitlines()
        series = 'winnow_errors_total{kind="DeadlinePassed"} '
        return sum(float(line.removeprefix(series)) for line in lines if line.startswith(series))

    before = counted()
    http.post(CHAT, json=chat(timeout_s=1e-6))
    read_stream(http, CHAT, chat(timeout_s=1e-6, decoding=COT))
    assert counted() == before + 2


def begun(max_timeout_s: float) -> Any:  # stands for a starlette.Request
    """A request without `timeout_s` on a server with this limit."""
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    from server.vllm_adapter.deadline import begin_deadline

    state = SimpleNamespace(winnow_settings=Settings(max_timeout_s=max_timeout_s))
    raw_request: Any = SimpleNamespace(app=SimpleNamespace(state=state), state=SimpleNamespace())
    begin_deadline(ChatCompletionRequest(messages=[]), raw_request)
    return raw_request


async def test_stream_that_is_read_slowly_is_closed_in_time(vllm_environment: None) -> None:
    """The second message is never taken; the engine's work ends all the same."""
    from server.vllm_adapter.deadline import within_deadline

    is_closed = False
    sent: list[Json] = []

    async def chunks() -> AsyncGenerator[str, None]:
        nonlocal is_closed
        try:
            while True:
                yield "data: {}\n\n"
        finally:
            is_closed = True

    async def create(request: object, raw_request: object) -> Response:
        return StreamingResponse(chunks(), media_type="text/event-stream")

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 2:
            await asyncio.Future()

    response = await within_deadline(create)(None, begun(max_timeout_s=0.05))
    assert isinstance(response, StreamingResponse)
    await response.stream_response(send)
    assert is_closed
    assert dict(sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert b'"code":504' in sent[2]["body"]
    assert [message.get("more_body") for message in sent] == [None, True, True, False]


async def test_servers_longest_holds_where_the_request_says_nothing(vllm_environment: None) -> None:
    from server.vllm_adapter.deadline import deadline_of

    deadline = deadline_of(begun(max_timeout_s=0.01))
    assert 0 < deadline.seconds_left <= 0.01
    with pytest.raises(Exception, match=r"^nothing came after 0.01 s \(the server's limit\)"):
        async with deadline.limit("nothing came"):
            await asyncio.Future()
    assert deadline.seconds_left == 0


def test_log_has_no_stack_traces_of_deadlines(server: ServerProcess, http: httpx.Client) -> None:
    offset = len(server.log.read_bytes())
    for decoder in ({}, DECODERS["cot_decoding"]):
        http.post(CHAT, json=chat(timeout_s=1e-6, **decoder))
        http.post(CHAT, json=REQUESTS[CHAT] | decoder | {"stream": True})
        http.post("/v1/responses", json=REQUESTS["/v1/responses"] | decoder | {"stream": True})
    assert b"Traceback" not in server.log.read_bytes()[offset:]
