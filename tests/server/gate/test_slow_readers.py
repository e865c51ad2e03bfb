"""Clients that take nothing of their reply: the connection ends, and with it what is at work."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import pytest
import uvloop
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from server.gate.protocol import REPLY_BY
from tests.server.gate.raw_http import LAST, Waiting, serving

HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
PART = b"x" * 65_536
NEVER_S = 1000.0


class Endless:
    """Streams until its client is gone; `timeout_s` is how long its request may take."""

    def __init__(self, timeout_s: float | None = None) -> None:
        self._timeout_s = timeout_s
        self.num_parts = 0
        self.is_over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._timeout_s is not None:
            scope["state"][REPLY_BY] = asyncio.get_running_loop().time() + self._timeout_s
        try:
            await StreamingResponse(self._parts())(scope, receive, send)
        finally:
            self.is_over.set()

    async def _parts(self) -> AsyncIterator[bytes]:
        while True:
            self.num_parts += 1
            yield PART
            await asyncio.sleep(0)


@asynccontextmanager
async def silent_client(port: int, sent: bytes) -> AsyncIterator[socket.socket]:
    """Sends a request, and reads nothing by itself."""
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(opened, ("127.0.0.1", port))
        await loop.sock_sendall(opened, sent)
        yield opened


async def test_stream_that_nobody_reads_is_ended() -> None:
    app = Endless()
    async with (
        serving(app, write_timeout_s=0.2) as server,
        silent_client(server.port, HEAD + b"\r\n"),
    ):
        await asyncio.wait_for(app.is_over.wait(), 10)
        await server.until_idle()


async def test_stream_that_nobody_reads_ends_at_its_deadline() -> None:
    app = Endless(timeout_s=-1.9)
    async with (
        serving(app, write_timeout_s=NEVER_S) as server,
        silent_client(server.port, HEAD + b"\r\n"),
    ):
        await asyncio.wait_for(app.is_over.wait(), 10)
        await server.until_idle()


async def test_stream_that_is_read_slowly_goes_on() -> None:
    transport = Draining()
    async with serving(Waiting(), write_timeout_s=0.04) as server, silent_client(server.port, HEAD):
        (connection,) = await server.until_connected()
        connection.transport = transport
        connection.pause_writing()
        await asyncio.wait_for(transport.is_seen_often.wait(), 10)
        connection.resume_writing()
    assert not transport.is_aborted


class Draining:
    """A transport of which its client has taken a byte whenever one looks."""

    def __init__(self) -> None:
        self._num_unsent = 1000
        self.is_aborted = False
        self.is_seen_often = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        self._num_unsent -= 1
        if self._num_unsent < 980:
            self.is_seen_often.set()
        return self._num_unsent

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        """Close nothing."""


async def drop_whole_reply(end: bytes) -> None:
    is_sent = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(PART * 100)(scope, receive, send)
        is_sent.set()

    async with (
        serving(app, write_timeout_s=0.2) as server,
        silent_client(server.port, HEAD + end + b"\r\n"),
    ):
        await is_sent.wait()
        await server.until_idle()


@pytest.mark.parametrize("end", [b"", LAST])
async def test_whole_reply_that_nobody_reads_is_dropped(end: bytes) -> None:
    await drop_whole_reply(end)


@pytest.mark.parametrize("end", [b"", LAST])
async def test_reply_that_the_system_holds_is_dropped(end: bytes) -> None:
    """It is shorter than what the loop would tell the protocol of."""

    is_sent = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(PART)(scope, receive, send)
        is_sent.set()

    async with (
        serving(app, write_timeout_s=0.2) as server,
        silent_client(server.port, HEAD + end + b"\r\n"),
    ):
        await is_sent.wait()
        await server.until_idle()


async def test_little_is_held_for_a_client_that_does_not_read() -> None:
    app = Endless()
    async with (
        serving(app, write_timeout_s=NEVER_S) as server,
        silent_client(server.port, HEAD + b"\r\n"),
    ):
        (connection,) = await server.until_connected()
        while not connection.flow.write_paused:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        assert app.num_parts * len(PART) < 1_000_000


@pytest.mark.parametrize(
    "attack",
    [
        test_stream_that_nobody_reads_is_ended,
        test_stream_that_nobody_reads_ends_at_its_deadline,
        partial(drop_whole_reply, LAST),
    ],
)
def test_the_same_on_vllms_loop(attack: Callable[[], Coroutine[None, None, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(attack())
