"""HTTP/1.1 by hand: a client that may send anything, and reads what comes back."""

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from loadtest.hostile.case import NO_HEADERS, Headers, Outcome, Pause, Reply, Script, Target

MAX_HEAD_BYTES = 1 << 20
RECEIVE_BYTES = 1 << 16
END_OF_HEAD = b"\r\n\r\n"
WITHOUT_BODY = frozenset({204, 304})


class Cut(Exception):
    """The connection ended before the reply was whole."""


def head(
    target: Target,
    method: str,
    path: str,
    headers: Headers = NO_HEADERS,
    *,
    key: str | None = "",
    is_last: bool = True,
) -> bytes:
    """A request's head. `key` stands in for the target's own; None sends none."""
    given = {name.lower() for name in headers}
    lines = [f"{method} {path} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {target.host}:{target.port}")
    key = target.key if key == "" else key
    if key is not None and "authorization" not in given:
        lines.append(f"Authorization: Bearer {key}")
    if is_last and "connection" not in given:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1", "replace") + END_OF_HEAD


def request(
    target: Target,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Headers = NO_HEADERS,
    *,
    key: str | None = "",
    is_last: bool = True,
) -> bytes:
    own = {"Content-Type": "application/json"} if body else {}
    length = {"Content-Length": str(len(body))} if body or method != "GET" else {}
    # What the case says comes instead of, not beside, what is usual.
    usual = {k: v for k, v in {**own, **length}.items() if k.lower() not in map(str.lower, headers)}
    return head(target, method, path, {**usual, **headers}, key=key, is_last=is_last) + body


def as_json(content: Any) -> bytes:  # any JSON, NaN and half characters among it
    return json.dumps(content).encode()


class Connection:
    """A socket that is read while it is written to: a refusal may come before all is sent."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._buffer = bytearray()

    @staticmethod
    async def open(target: Target) -> "Connection":
        opened = socket.socket()
        opened.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(opened, (target.host, target.port))
        except BaseException:
            opened.close()
            raise
        return Connection(opened)

    def close(self) -> None:
        self._socket.close()

    async def send(self, script: Script) -> None:
        """Sends what it can: a server that has heard enough closes."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            for part in script:
                if isinstance(part, Pause):
                    await asyncio.sleep(part.seconds)
                else:
                    await loop.sock_sendall(self._socket, part)

    async def read_reply(self, *, has_body: bool = True) -> Reply:
        """Read the next reply; interim ones of status 100 are skipped.

        Raises:
            Cut: the connection ended before the reply was whole, or the reply is no HTTP.
        """
        status, headers = await self._read_head()
        while status == 100:
            status, headers = await self._read_head()
        if not has_body or status in WITHOUT_BODY or status < 200:
            return Reply(status, headers)
        if "chunked" in headers.get("transfer-encoding", ""):
            return Reply(status, headers, await self._read_chunks())
        if "content-length" in headers:
            return Reply(status, headers, await self._read(int(headers["content-length"])))
        return Reply(status, headers, await self._read_rest())

    async def _read_head(self) -> tuple[int, Mapping[str, str]]:
        raw = await self._read_to(END_OF_HEAD)
        first, *lines = raw.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines if line]
        try:
            status = int(first.split(" ")[1])
        except (IndexError, ValueError):
            raise Cut(f"no HTTP: {first[:80]!r}") from None
        return status, {name.strip().lower(): value.strip() for name, _, value in pairs}

    async def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = int((await self._read_to(b"\r\n")).split(b";")[0], 16)
            body += await self._read(size)
            await self._read_to(b"\r\n")
            if not size:
                return bytes(body)

    async def _read_to(self, end: bytes) -> bytes:
        while (at := self._buffer.find(end)) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise Cut("a head without end")
            await self._receive()
        return self._take(at + len(end))[: -len(end)]

    async def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._receive()
        return self._take(size)

    async def _read_rest(self) -> bytes:
        with suppress(Cut):
            while True:
                await self._receive()
        return self._take(len(self._buffer))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _receive(self) -> None:
        try:
            received = await asyncio.get_running_loop().sock_recv(self._socket, RECEIVE_BYTES)
        except OSError as failure:
            raise Cut(str(failure)) from failure
        if not received:
            raise Cut("closed")
        self._buffer += received


async def exchange(target: Target, script: Script, num_replies: int, *, leaves: bool) -> Outcome:
    """What comes of one connection."""
    try:
        connection = await Connection.open(target)
    except OSError:
        return Outcome((), 1)
    try:
        if leaves:
            await connection.send(script)
            return Outcome(())
        sending = asyncio.create_task(connection.send(script))
        try:
            return await _read_replies(connection, script, num_replies)
        finally:
            sending.cancel()
            await asyncio.wait([sending])
    finally:
        connection.close()


async def _read_replies(connection: Connection, script: Script, num_replies: int) -> Outcome:
    is_head = isinstance(script[0], bytes) and script[0].startswith(b"HEAD ")
    replies: list[Reply] = []
    for _ in range(num_replies):
        try:
            replies.append(await connection.read_reply(has_body=not is_head))
        except Cut:
            return Outcome(tuple(replies), 1)
    return Outcome(tuple(replies))


def target_at(url: str, model: str, key: str | None, body_timeout_s: float) -> Target:
    parts = urlsplit(url)
    assert parts.hostname, "argparse takes no URL without a host"
    return Target(parts.hostname, parts.port or 80, model, key, body_timeout_s)
