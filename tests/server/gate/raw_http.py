"""uvicorn with the bounded protocol, and clients that write bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.gate.protocol import BoundedProtocol

LAST = b"connection: close\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Replies with the request as it was understood."""
    body = b""
    message = {"more_body": True}
    while message["more_body"]:
        message = {"more_body": False, **await receive()}
        body += message.get("body", b"")
    told = {
        "method": scope["method"],
        "headers": [name.decode() for name, _ in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await JSONResponse(told)(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Replies by the head alone."""
    await JSONResponse({"error": {}}, 403)(scope, receive, send)


class Waiting:
    """An app that replies when it is told to. `is_left`: a client went away before."""

    def __init__(self) -> None:
        self.is_begun, self.may_reply, self.is_left = (asyncio.Event() for _ in range(3))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.is_begun.set()
        leaving = asyncio.create_task(self._watch(receive))
        await self.may_reply.wait()
        leaving.cancel()
        await JSONResponse({})(scope, receive, send)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.is_left.set()


class Server:
    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self.port: int = server.servers[0].sockets[0].getsockname()[1]

    @property
    def connections(self) -> set[Any]:  # of uvicorn's protocols
        return self._server.server_state.connections

    async def until_connected(self) -> set[Any]:
        """Wait until there is a connection."""
        async with asyncio.timeout(10):
            while not self.connections:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)
        return self.connections

    async def until_idle(self) -> None:
        """Wait until no connection is left."""
        async with asyncio.timeout(10):
            while self.connections:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)

    async def until_paused(self) -> Any:  # a protocol of uvicorn's
        """Wait until the only connection is not read from any more."""
        (connection,) = self.connections
        async with asyncio.timeout(10):
            while not connection.flow.read_paused:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)
        return connection


@asynccontextmanager
async def serving(
    app: ASGIApp = echo, keep_alive_s: int = 75, **times: float
) -> AsyncIterator[Server]:
    """`times` are those of the protocol, by name."""
    protocol = type("Protocol", (BoundedProtocol,), times)
    config = uvicorn.Config(
        app,
        port=0,
        http=protocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield Server(server)
    server.should_exit = True
    await task


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


def told(reply: bytes) -> dict[str, Any]:
    """What `echo` says, once it has said it."""
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), reply
    content: dict[str, Any] = json.loads(body)
    return content
