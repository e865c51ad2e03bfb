"""The layer in Ray's proxy, around stand-ins for what Ray does with a request."""

import json
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.ray_serve.affinity import PREFIX_KEY, SESSION_HEADER
from server.ray_serve.proxy_layer import ProxyLayer
from server.settings import Settings

CHAT = "/v1/chat/completions"
BODY = {"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]}
SETTINGS = Settings(max_body_mb=0.001)


def start(status: int, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def says(*messages: Message) -> ASGIApp:
    """Ray, which passes on these messages of a replica and then ends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Replies with the headers and the body that the replica would get."""
    received = await receive()
    head = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    told = {"head": head, "body": received["body"].decode(), "more": received["more_body"]}
    await send(start(200, (b"x-request-id", b"Ray's")))
    await send(body(json.dumps(told).encode()))


async def post(app: ASGIApp, path: str = CHAT, **options: Any) -> httpx.Response:  # of httpx
    transport = httpx.ASGITransport(ProxyLayer(app, SETTINGS))
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
        return await client.post(path, **({"json": BODY} | options))


async def test_a_lost_replica_is_a_503_that_says_when_to_come_back() -> None:
    reply = await post(says(), headers={"x-request-id": "mine"})
    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(reply.headers["retry-after"]) >= 1
    assert "send the request again" in reply.json()["error"]["message"]
    assert reply.json()["error"]["code"] == 503
    assert reply.headers.get_list("x-request-id") == ["mine"]


async def test_a_stream_that_is_cut_off_ends_in_an_error() -> None:
    events = (b"content-type", b"text/event-stream; charset=utf-8")
    reply = await post(says(start(200, events), body(b'data: {"n": 1}\n\n', more=True)))
    first, last = reply.text.removesuffix("\n\n").split("\n\n")
    assert first == 'data: {"n": 1}'
    name, data = last.split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == 503


async def test_a_complete_reply_is_left_alone() -> None:
    events = (b"content-type", b"text/event-stream")
    reply = await post(says(start(200, events), body(b"data: [DONE]\n\n", more=True), body(b"")))
    assert reply.text == "data: [DONE]\n\n"


async def test_rays_own_refusal_is_put_in_openais_shape() -> None:
    plain = (b"content-type", b"text/plain")
    reply = await post(says(start(503, plain), body(b"Too many requests are queued")))
    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert reply.json()["error"]["message"] == "Service Unavailable"  # none of Ray's insides
    assert "retry-after" in reply.headers


@pytest.mark.parametrize("path", [CHAT, f"{CHAT}/"])
async def test_a_conversation_gets_its_key_and_its_body_whole(path: str) -> None:
    told = (await post(echo, path)).json()
    (session,) = [value for name, value in told["head"] if name == SESSION_HEADER]
    assert session.startswith(PREFIX_KEY)
    assert json.loads(told["body"]) == BODY
    assert not told["more"]


async def test_a_session_that_the_client_names_is_kept() -> None:
    told = (await post(echo, headers={SESSION_HEADER: "mine"})).json()
    assert [value for name, value in told["head"] if name == SESSION_HEADER] == ["mine"]


async def test_ray_and_the_replica_get_the_id_that_the_client_is_told() -> None:
    reply = await post(echo)
    (given,) = [value for name, value in reply.json()["head"] if name == "x-request-id"]
    assert reply.headers.get_list("x-request-id") == [given]


async def test_a_body_that_is_too_long_is_not_passed_on() -> None:
    reply = await post(echo, json=BODY | {"user": "x" * 1000})
    assert reply.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert reply.json()["error"]["param"] == "body"


async def test_clients_give_ray_no_orders() -> None:
    orders = {"x-request-disconnect-disabled": "?1", "x-request-timeout-seconds": "-1"}
    told = (await post(echo, headers=orders)).json()
    assert not {name for name, _ in told["head"]} & set(orders)


@pytest.mark.parametrize("name", ["x-request-id", SESSION_HEADER])
async def test_what_ray_would_fail_on_is_refused(name: str) -> None:
    reply = await post(echo, headers={name: b"\xff"})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"].lower() == name
    assert len(reply.headers["x-request-id"]) == 32
