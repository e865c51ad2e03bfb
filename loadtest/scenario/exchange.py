"""One request over HTTP, with the times at which its reply came, and what the reply says.

The bytes are only stamped as they come and read when all are there: a load generator that shares
its cores with the server should be lean.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

Json = dict[str, Any]  # bodies

MAX_SHOWN_CHARACTERS = 300
DATA = b"data:"
DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Exchange:
    """`parts` are the reply's bytes and when they came, in seconds from the sending, as is
    `end_s`. `failure` says what broke it off; `status` None: there was no reply."""

    status: int | None
    parts: Sequence[tuple[float, bytes]]
    end_s: float
    failure: str | None = None

    @property
    def body(self) -> bytes:
        return b"".join(part for _, part in self.parts)


@dataclass(slots=True)
class Reply:
    """What a reply says; `report` is Winnow's, None without a decoder."""

    text: str = ""
    first_text_s: float | None = None
    finish_reason: str | None = None
    usage: Json = field(default_factory=dict)
    report: Json | None = None


class UnreadableReply(Exception):
    """The message says what is wrong with it."""


async def send(
    session: aiohttp.ClientSession, url: str, payload: bytes, timeout_s: float
) -> Exchange:
    """Never raises for what the network or the server does: that is a result."""
    began = time.perf_counter()
    status, parts, failure = None, [], None
    try:
        async with (
            asyncio.timeout(timeout_s),
            session.post(url, data=payload) as response,
        ):
            status = response.status
            async for part in response.content.iter_any():
                parts.append((time.perf_counter() - began, part))
    except TimeoutError:
        failure = f"timed out after {timeout_s:g} s"
    except (aiohttp.ClientError, OSError) as error:
        said = str(error) or type(error).__name__
        failure = f"broke off: {said}" if status else f"no reply: {said}"
    return Exchange(status, parts, time.perf_counter() - began, failure)


def read(exchange: Exchange, *, is_streamed: bool) -> Reply:
    """Read the reply of an exchange.

    Raises:
        UnreadableReply: it failed, or is no chat completion.
    """
    if exchange.failure is not None:
        raise UnreadableReply(exchange.failure)
    if exchange.status != HTTPStatus.OK:
        raise UnreadableReply(f"status {exchange.status}: {_message(exchange.body)}")
    try:
        return _read_stream(exchange) if is_streamed else _read_whole(exchange)
    except (KeyError, IndexError, TypeError, ValueError) as failure:
        raise UnreadableReply(f"no chat completion: {failure!r}") from None


def _read_whole(exchange: Exchange) -> Reply:
    body = json.loads(exchange.body)
    choice = body["choices"][0]
    return Reply(
        text=choice["message"]["content"] or "",
        finish_reason=choice.get("finish_reason"),
        usage=body.get("usage") or {},
        report=body.get("decoding"),
    )


def _read_stream(exchange: Exchange) -> Reply:
    reply = Reply()
    texts: list[str] = []
    is_done = False
    for arrived_s, data in _events(exchange.parts):
        if data == DONE:
            is_done = True
            break
        chunk = json.loads(data)
        if "error" in chunk:
            raise UnreadableReply(f"an error in the stream: {_message(data)}")
        reply.usage = chunk.get("usage") or reply.usage
        reply.report = chunk.get("decoding") or reply.report
        for choice in chunk["choices"]:
            text = choice["delta"].get("content")
            if text and reply.first_text_s is None:
                reply.first_text_s = arrived_s
            texts.append(text or "")
            reply.finish_reason = choice.get("finish_reason") or reply.finish_reason
    if not is_done:
        raise UnreadableReply("the stream ended without [DONE]")
    reply.text = "".join(texts)
    return reply


def _events(parts: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    """The data of each event, which OpenAI's API keeps in one line, and when that line came."""
    rest = b""
    for arrived_s, part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line.startswith(DATA):
                yield arrived_s, line.removeprefix(DATA).strip()


def _message(body: bytes) -> str:
    """The server's own words, in one line."""
    text = body.decode(errors="replace")
    with suppress(KeyError, TypeError, ValueError):
        text = json.loads(text)["error"]["message"]
    return " ".join(str(text).split())[:MAX_SHOWN_CHARACTERS]
