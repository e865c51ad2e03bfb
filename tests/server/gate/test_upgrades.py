"""Offers to speak another protocol, and expectations, on connections with the bounded protocol."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from tests.server.gate.raw_http import LAST, Server, echo, refuse, said, serving, status_of, told

POST = b"POST / HTTP/1.1\r\nhost: a\r\n"
LENGTH = b"content-length: 3\r\n"
WEBSOCKET = (
    b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
    else:
        await echo(scope, receive, send)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(app) as server:
        yield server


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0, HTTP/2.0", b"x"])
async def test_offer_is_ignored(server: Server, upgrade: bytes) -> None:
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: " + upgrade + b"\r\n"
    settings = b"http2-settings: AAMAAABkAAQ\r\n"
    whole = POST + offer + settings + LENGTH + b"\r\nabc"
    reply = await said(server.port, whole, POST + LAST + LENGTH + b"\r\ndef")
    assert reply.count(b"HTTP/1.1 200") == 2
    assert b'"abc"' in reply
    assert b'"def"' in reply


async def test_offer_on_a_body_in_chunks_is_ignored(server: Server) -> None:
    offer = b"connection: Upgrade, close\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n"
    reply = await said(server.port, POST + offer, b"3\r\nabc\r\n0\r\n\r\n")
    assert told(reply)["body"] == "abc"


async def test_offer_in_a_head_that_comes_byte_by_byte(server: Server) -> None:
    offer = b"connection: Upgrade, close\r\nupgrade: h2c\r\n"
    whole = POST + offer + LENGTH + b"\r\nabc"
    content = told(await said(server.port, *[bytes([byte]) for byte in whole]))
    assert content["body"] == "abc"
    assert content["headers"] == ["host", "connection", "content-length"]


async def test_websocket_is_opened(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n" + WEBSOCKET + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    writer.close()


@pytest.mark.parametrize(
    ("begin", "headers"),
    [
        (b"POST / HTTP/1.1\r\n", b""),
        (b"GET / HTTP/1.0\r\n", b""),
        (b"GET / HTTP/1.1\r\n", LENGTH),
        (b"GET / HTTP/1.1\r\n", b"transfer-encoding: chunked\r\n"),
    ],
)
async def test_websocket_that_cannot_be_opened_is_an_offer(
    server: Server, begin: bytes, headers: bytes
) -> None:
    body = {LENGTH: b"abc"}.get(headers, b"0\r\n\r\n" if headers else b"")
    websocket = WEBSOCKET.replace(b"Upgrade\r\n", b"Upgrade, close\r\n", 1)
    head = begin + b"host: a\r\n" + websocket + headers + b"\r\n"
    assert told(await said(server.port, head, body))["body"] == body[:3].decode().strip("0\r\n")


@pytest.mark.parametrize("header", [b"x: " + b"a" * 9000, b"x: a\r\n b", b"x: \x7f"])
async def test_websockets_head_that_cannot_be_read_is_refused(
    server: Server, header: bytes
) -> None:
    head = b"GET / HTTP/1.1\r\nhost: a\r\n" + WEBSOCKET + header + b"\r\n\r\n"
    reply = await said(server.port, head)
    assert reply.startswith(b"HTTP/1.1 101") or status_of(reply) == 400
    await server.until_idle()


async def test_connect_is_refused(server: Server) -> None:
    assert status_of(await said(server.port, b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n")) == 405


async def test_body_that_is_awaited_is_asked_for(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(POST + LAST + LENGTH + b"expect: 100-continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert told(await reader.read())["body"] == "abc"
    writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        POST + LAST + LENGTH + b"expect: 100-continue\r\n\r\nabc",
        b"POST / HTTP/1.0\r\n" + LENGTH + b"expect: 100-continue\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nhost: a\r\n" + LAST + b"expect: 100-continue\r\n\r\n",
    ],
)
async def test_body_that_is_there_is_not_asked_for(server: Server, request_: bytes) -> None:
    told(await said(server.port, request_))


async def test_body_that_is_not_wanted_is_not_asked_for() -> None:
    async with serving(refuse) as server:
        reply = await said(server.port, POST + LENGTH + b"expect: 100-continue\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 403")
    assert b"connection: close" in reply
