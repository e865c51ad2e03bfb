"""uvicorn with the bounded protocol, and clients that speak no HTTP or too much of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from server.gate.headers import MAX_HEAD_BYTES, MAX_HEADERS
from server.gate.protocol import BoundedProtocol

HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    message = {"more_body": True}
    while message["more_body"]:
        message = {"more_body": False, **await receive()}
        body += message.get("body", b"")
    await PlainTextResponse(f"{len(body)}")(scope, receive, send)


@asynccontextmanager
async def serving(head_timeout_s: float) -> AsyncIterator[int]:
    class Protocol(BoundedProtocol):
        pass

    Protocol.head_timeout_s = head_timeout_s
    config = uvicorn.Config(app, port=0, http=Protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(head_timeout_s=30) as number:
        yield number


async def said(port: int, *parts: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status_of(reply: bytes) -> int:
    head, _, body = reply.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    if status >= 400:
        error = json.loads(body)["error"]
        assert list(error) == ["message", "type", "param", "code"]
        assert error["code"] == status
    return status


async def test_ordinary_requests_are_served_one_after_the_other(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
    last = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    reply = await said(port, request, request, last)
    assert reply.count(b"HTTP/1.1 200") == 3


async def test_long_body_is_not_a_long_head(port: int) -> None:
    num_bytes = 20 * MAX_HEAD_BYTES
    head = f"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: {num_bytes}\r\n\r\n"
    reply = await said(port, head.encode(), b"x" * num_bytes)
    assert reply.endswith(str(num_bytes).encode())


async def test_as_many_headers_as_may_be(port: int) -> None:
    headers = b"".join(b"x%d: 1\r\n" % i for i in range(MAX_HEADERS - 2))
    assert status_of(await said(port, HEAD + headers + b"connection: close\r\n\r\n")) == 200


async def test_too_many_headers(port: int) -> None:
    headers = b"".join(b"x%d: 1\r\n" % i for i in range(MAX_HEADERS))
    assert status_of(await said(port, HEAD + headers + b"\r\n")) == 431


@pytest.mark.parametrize("part", [b"x" * 1024, b"a: b\r\n" * 128])
async def test_head_that_grows_is_cut_off(port: int, part: bytes) -> None:
    assert status_of(await said(port, HEAD + b"x: " + part * 33)) == 431


async def test_head_without_end_is_cut_off(port: int) -> None:
    reply = await said(port, HEAD + b"x: ", *[b"x" * 65536] * 100)
    # What was not read yet when the connection was closed may take the reply with it.
    assert reply == b"" or status_of(reply) == 431


@pytest.mark.parametrize("begin", [b"", b"GET", HEAD, HEAD + b"x"])
async def test_slow_head_is_cut_off(begin: bytes) -> None:
    async with serving(head_timeout_s=0.1) as port:
        assert status_of(await said(port, begin)) == 408


async def test_second_request_has_its_own_time() -> None:
    async with serving(head_timeout_s=0.1) as port:
        reply = await said(port, HEAD + b"\r\n", HEAD)
    assert reply.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in reply


@pytest.mark.parametrize(
    "garbage", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"a\r\n\r\n"]
)
async def test_garbage_is_a_bad_request(port: int, garbage: bytes) -> None:
    assert status_of(await said(port, garbage)) == 400
