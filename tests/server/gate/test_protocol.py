"""uvicorn with the bounded protocol, and clients that speak no HTTP or too much of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from server.gate.headers import MAX_HEAD_BYTES, MAX_HEADERS
from tests.server.gate.raw_http import LAST, Waiting, refuse, said, serving, status_of, told

HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n"
LARGE = b"x" * 70_000


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving() as server:
        yield server.port


async def test_ordinary_requests_are_served_one_after_the_other(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
    last = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    reply = await said(port, request, request, last)
    assert reply.count(b"HTTP/1.1 200") == 3


async def test_long_body_is_not_a_long_head(port: int) -> None:
    num_bytes = 20 * MAX_HEAD_BYTES
    head = f"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: {num_bytes}\r\n\r\n"
    reply = await said(port, head.encode(), b"x" * num_bytes)
    assert len(told(reply)["body"]) == num_bytes


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
    async with serving(head_timeout_s=0.1) as server:
        assert status_of(await said(server.port, begin)) == 408


async def test_second_request_has_its_own_time() -> None:
    async with serving(head_timeout_s=0.1) as server:
        reply = await said(server.port, HEAD + b"\r\n", HEAD)
    assert reply.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in reply


@pytest.mark.parametrize(
    "garbage", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"a\r\n\r\n"]
)
async def test_garbage_is_a_bad_request(port: int, garbage: bytes) -> None:
    assert status_of(await said(port, garbage)) == 400


class TestChunks:
    async def test_trailers_end_the_body_and_become_no_headers(self, port: int) -> None:
        trailers = b"authorization: Bearer x\r\nx-t: y\r\n\r\n"
        sent = CHUNKED + LAST + b"\r\n3\r\nabc\r\n0\r\n" + trailers
        content = told(await said(port, sent))
        assert content["body"] == "abc"
        assert content["headers"] == ["host", "transfer-encoding", "connection"]

    async def test_trailers_do_not_reach_the_next_request(self, port: int) -> None:
        first = CHUNKED + b"\r\n0\r\nauthorization: Bearer x\r\n\r\n"
        reply = await said(port, first + HEAD + LAST + b"\r\n")
        assert reply.count(b"HTTP/1.1 200") == 2
        assert b"authorization" not in reply

    @pytest.mark.parametrize(
        "trailers",
        [b"x: " + LARGE, b"x: " + LARGE + b"\r\n\r\n", b"x: 1\r\n" * (MAX_HEADERS + 1)],
        ids=["one without end", "one", "many"],
    )
    async def test_too_large_trailers(self, port: int, trailers: bytes) -> None:
        reply = await said(port, CHUNKED + b"\r\n3\r\nabc\r\n0\r\n", trailers)
        assert status_of(reply) == 431

    async def test_head_and_trailers_share_their_bytes(self, port: int) -> None:
        half = b"x: " + b"y" * (MAX_HEAD_BYTES // 2) + b"\r\n"
        begin = CHUNKED + LAST + half + b"\r\n3\r\nabc\r\n0\r\n"
        assert status_of(await said(port, begin + b"\r\n")) == 200
        assert status_of(await said(port, begin + half)) == 431

    @pytest.mark.parametrize("begin", [b"x", b"x: y\r\nz"])
    async def test_slow_trailers_are_cut_off(self, begin: bytes) -> None:
        async with serving(head_timeout_s=0.1) as server:
            reply = await said(server.port, CHUNKED + b"\r\n3\r\nabc\r\n0\r\n" + begin)
        assert status_of(reply) == 408
        assert b"trailers" in reply

    async def test_chunk_extension_is_bounded(self, port: int) -> None:
        short, long = b"3;a=" + b"b" * 4000, b"3;a=" + LARGE
        end = b"\r\nabc\r\n0\r\n\r\n"
        assert told(await said(port, CHUNKED + LAST + b"\r\n" + short + end))["body"] == "abc"
        assert status_of(await said(port, CHUNKED + b"\r\n" + long + end)) == 431

    async def test_chunk_for_every_byte(self, port: int) -> None:
        chunks = b"1;a=b\r\n\n\r\n" * 20_000
        reply = await said(port, CHUNKED + LAST + b"\r\n" + chunks + b"0\r\n\r\n")
        assert told(reply)["body"] == "\n" * 20_000

    async def test_broken_chunk_is_a_bad_request(self, port: int) -> None:
        assert status_of(await said(port, CHUNKED + b"\r\n3\r\nabcdef")) == 400


class TestBodies:
    @pytest.mark.parametrize("head", [POST + b"content-length: 1000\r\n", CHUNKED])
    async def test_reply_before_the_body_is_complete_is_the_last(self, head: bytes) -> None:
        hidden = HEAD + b"\r\n"
        async with serving(refuse) as server:
            reply = await said(server.port, head + b"\r\n", hidden)
            await server.until_idle()
        assert reply.count(b"HTTP/1.1") == 1
        assert b"connection: close" in reply

    async def test_body_that_came_with_its_head_keeps_the_connection(self) -> None:
        sent = POST + b"content-length: 3\r\n\r\nabc"
        async with serving(refuse) as server:
            reply = await said(server.port, sent * 2 + HEAD + LAST + b"\r\n")
        assert reply.count(b"HTTP/1.1 403") == 3

    async def test_client_that_is_still_sending_reads_why_it_is_refused(self) -> None:
        async with serving(refuse) as server:
            sent = POST + b"content-length: 100000000\r\n\r\n"
            reply = await said(server.port, sent, *[LARGE] * 40)
        assert reply.startswith(b"HTTP/1.1 403")

    async def test_body_that_nobody_reads_is_not_kept(self) -> None:
        waiting = Waiting()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            waiting.is_begun.set()
            await waiting.may_reply.wait()
            await JSONResponse({})(scope, receive, send)

        async with serving(app) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(POST + b"content-length: 1000000000\r\n\r\n")
            await waiting.is_begun.wait()
            writer.write(LARGE * 500)
            connection = await server.until_paused()
            assert len(connection._unparsed) + len(connection.cycle.body) < 1_000_000
            waiting.may_reply.set()
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()

    @pytest.mark.parametrize("begin", [b"", b"\r\n", b"a"])
    async def test_late_body_is_cut_off_though_nobody_reads_it(self, begin: bytes) -> None:
        async with serving(Waiting(), body_timeout_s=0.1, body_grace_s=0) as server:
            sent = POST + b"content-length: 9\r\n\r\n" + begin
            assert status_of(await said(server.port, sent)) == 408


class TestPipelines:
    async def test_requests_behind_one_at_work_wait_unparsed(self) -> None:
        waiting = Waiting()
        async with serving(waiting) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write((HEAD + b"\r\n") * 40_000)
            connection = await server.until_paused()
            assert len(connection._unparsed) < 500_000
            assert not connection.pipeline
            waiting.may_reply.set()
            for _ in range(50):
                await reader.readuntil(b"{}")
            writer.close()

    async def test_client_with_requests_waiting_is_seen_to_leave(self) -> None:
        waiting = Waiting()
        async with serving(waiting) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write((HEAD + b"\r\n") * 50)
            await waiting.is_begun.wait()
            writer.close()
            await asyncio.wait_for(waiting.is_left.wait(), 10)
            waiting.may_reply.set()

    async def test_line_breaks_do_not_keep_an_idle_connection(self) -> None:
        async with serving(keep_alive_s=1) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(HEAD + b"\r\n")
            await reader.readuntil(b"}")
            while server.connections:
                writer.write(b"\r\n")
                await asyncio.sleep(0.05)
            writer.close()
