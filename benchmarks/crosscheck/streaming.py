"""Our own side: streamed requests, closed loop, each with the time to its first token."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp
import uvloop

from benchmarks.crosscheck.figures import Figures, percentile
from loadtest.client import TIMEOUT_S, Json, RequestFailed
from loadtest.scenario.exchange import UnreadableReply, read, send

STREAMED: Json = {
    "stream": True,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
}
"""As guidellm asks."""


@dataclass(frozen=True)
class Timed:
    latency_s: float
    ttft_s: float


def measure_streaming(url: str, bodies: Sequence[Json], concurrency: int) -> Figures:
    """Send every body, streamed, to `url` + /v1/chat/completions.

    Raises:
        RequestFailed: a reply is no 200 or holds no token, or the server is gone.
    """
    payloads = [json.dumps(body | STREAMED).encode() for body in bodies]
    timed, wall_s = uvloop.run(_send(f"{url}/v1/chat/completions", payloads, concurrency))
    latencies = [1000 * one.latency_s for one in timed]
    ttfts = [1000 * one.ttft_s for one in timed]
    return Figures(
        len(timed) / wall_s,
        percentile(latencies, 50),
        percentile(latencies, 95),
        percentile(ttfts, 50),
        percentile(ttfts, 95),
    )


async def _send(url: str, payloads: Sequence[bytes], concurrency: int) -> tuple[list[Timed], float]:
    timed: list[Timed] = []
    todo = iter(payloads)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=None),  # each request has its own
        headers={"Content-Type": "application/json"},
    ) as session:
        begin = time.perf_counter()
        await asyncio.gather(*(_work(session, url, todo, timed) for _ in range(concurrency)))
        return timed, time.perf_counter() - begin


async def _work(
    session: aiohttp.ClientSession, url: str, todo: Iterator[bytes], timed: list[Timed]
) -> None:
    for payload in todo:
        exchange = await send(session, url, payload, TIMEOUT_S)
        try:
            reply = read(exchange, is_streamed=True)
        except UnreadableReply as failure:
            raise RequestFailed(f"{url}: {failure}") from None
        if reply.first_text_s is None:
            raise RequestFailed(f"{url}: a stream without a token")
        timed.append(Timed(exchange.end_s, reply.first_text_s))
