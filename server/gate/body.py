"""Reading what a client sends, within its size and its time."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from server.gate.refusals import Refused

BYTES_PER_MB = 1_000_000
GOING_AWAY = 1001


class ClientLeft(Exception):
    """It disconnected before its request was complete."""


def check_length(scope: Scope, max_bytes: int) -> None:
    """Refuse by what the client announces, before any of it is read.

    Raises:
        Refused: it is too long, or not to be had.
    """
    lengths = {value for name, value in scope["headers"] if name == b"content-length"}
    if not lengths:
        return
    length = lengths.pop()
    if lengths or not length.isdigit():
        raise Refused(HTTPStatus.BAD_REQUEST, "content-length must be one number", "content-length")
    if len(length) > len(str(max_bytes)) or int(length) > max_bytes:
        raise too_large(max_bytes)


def is_announced(head: Mapping[bytes, bytes]) -> bool:
    """Whether a request with this head has a body."""
    return head.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in head


def unread() -> Receive:
    """`receive` for a reply that needs no body: it reads none, whatever the client sends."""
    never = asyncio.Event()
    is_asked = False

    async def receive_nothing() -> Message:
        nonlocal is_asked
        if is_asked:
            await never.wait()
        is_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive_nothing


async def read_whole(
    receive: Receive,
    max_bytes: int,
    timeout_s: float,
    take: Callable[[int], None] = lambda num_bytes: None,
) -> bytes:
    """Read a body; `take` is told the size of each part before it is kept.

    Raises:
        Refused: the body is too long or too slow, or `take` does not allow it.
        ClientLeft: the client left before it was complete.
    """
    parts: list[bytes] = []
    num_bytes = 0
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                part = message.get("body", b"")
                num_bytes += len(part)
                if num_bytes > max_bytes:
                    raise too_large(max_bytes)
                take(len(part))
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise too_slow(timeout_s) from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever comes, which is the end of the connection."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    pop: Callable[[], Message] = waiting.pop

    async def receive_again() -> Message:
        return pop() if waiting else await receive()

    return receive_again


def until_silent(receive: Receive, timeout_s: float) -> Receive:
    """`receive` of a websocket that ends when its client has said nothing for so long."""

    async def receive_in_time() -> Message:
        try:
            async with asyncio.timeout(timeout_s):
                return await receive()
        except TimeoutError:
            return {"type": "websocket.disconnect", "code": GOING_AWAY}

    return receive_in_time


def too_large(max_bytes: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body must be at most {max_bytes:,} bytes here",
        "body",
    )


def too_slow(timeout_s: float) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_TIMEOUT, f"the body was not complete within {timeout_s:g} s", "body"
    )
