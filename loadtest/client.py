"""A lean load generator: it shares the cores with the server that it measures.

Closed loop: each of `concurrency` workers sends its next request when its last one was answered.
Replies are kept as bytes and parsed after the clock has stopped.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median
from typing import Any

import aiohttp
import uvloop

Json = dict[str, Any]  # request and reply bodies

TIMEOUT_S = 600.0
MAX_SHOWN_CHARACTERS = 300


class RequestFailed(Exception):
    """The message holds the status and the beginning of the reply."""


@dataclass(frozen=True)
class Load:
    """What came of a list of requests: `replies` and `latencies_s` in the order of the requests."""

    replies: tuple[Json, ...]
    wall_s: float
    latencies_s: tuple[float, ...] = ()

    @property
    def requests_per_s(self) -> float:
        return len(self.replies) / self.wall_s

    @property
    def p50_ms(self) -> float:
        """The median latency of a request."""
        return 1000 * median(self.latencies_s)

    @property
    def num_completion_tokens(self) -> int:
        return sum(reply["usage"]["completion_tokens"] for reply in self.replies)


@dataclass(frozen=True, slots=True)
class _Answered:
    body: bytes
    latency_s: float


def send_all(
    url: str,
    bodies: Sequence[Json],
    concurrency: int,
    headers: Mapping[str, str] | None = None,
) -> Load:
    """Send every body to `url` + /v1/chat/completions.

    Raises:
        RequestFailed: a reply is no 200, or the server is gone.
    """
    payloads = [json.dumps(body).encode() for body in bodies]
    try:
        answered, wall_s = uvloop.run(
            _send_all(f"{url}/v1/chat/completions", payloads, concurrency, headers or {})
        )
    except aiohttp.ClientError as failure:
        raise RequestFailed(f"{url}: {failure}") from failure
    return Load(
        tuple(json.loads(one.body) for one in answered),
        wall_s,
        tuple(one.latency_s for one in answered),
    )


async def _send_all(
    url: str, payloads: Sequence[bytes], concurrency: int, headers: Mapping[str, str]
) -> tuple[list[_Answered], float]:
    replies = [_Answered(b"", 0.0)] * len(payloads)
    todo = iter(enumerate(payloads))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"Content-Type": "application/json", **headers},
    ) as session:
        begin = time.perf_counter()
        workers = [_work(session, url, todo, replies) for _ in range(concurrency)]
        await asyncio.gather(*workers)
        return replies, time.perf_counter() - begin


async def _work(
    session: aiohttp.ClientSession,
    url: str,
    todo: Iterator[tuple[int, bytes]],
    replies: list[_Answered],
) -> None:
    for number, payload in todo:
        began = time.perf_counter()
        async with session.post(url, data=payload) as response:
            body = await response.read()
            replies[number] = _Answered(body, time.perf_counter() - began)
            if response.status != HTTPStatus.OK:
                shown = body[:MAX_SHOWN_CHARACTERS].decode(errors="replace")
                raise RequestFailed(f"{url}: status {response.status}: {shown}")
