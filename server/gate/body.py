"""Reading a request's body, within its size and its time."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from server.gate.refusals import Refused

BYTES_PER_MB = 1_000_000


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


async def read_whole(receive: Receive, max_bytes: int, timeout_s: float) -> bytes:
    """Raises Refused, or ClientLeft."""
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
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise too_slow(timeout_s) from None


def bounded(receive: Receive, max_bytes: int, timeout_s: float) -> Receive:
    """`receive` for a route that reads its body itself, as uploads are: the same bounds, as it
    comes."""
    num_bytes = 0
    is_complete = False
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s

    async def receive_bounded() -> Message:
        nonlocal num_bytes, is_complete
        if is_complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise too_slow(timeout_s) from None
        num_bytes += len(message.get("body", b""))
        is_complete = not message.get("more_body", False)
        if num_bytes > max_bytes:
            raise too_large(max_bytes)
        return message

    return receive_bounded


def replayed(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever comes, which is the end of the connection."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    pop: Callable[[], Message] = waiting.pop

    async def receive_again() -> Message:
        return pop() if waiting else await receive()

    return receive_again


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
