"""Whether users are being served, so that canaries can keep out of their way."""

import asyncio
import time

from starlette.types import ASGIApp, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
"""Scrapes and health checks ask nothing of the engine."""


class Traffic:
    """Counts the requests of users that are on their way; for one event loop."""

    def __init__(self) -> None:
        self._num_running = 0
        self._idle_since = time.monotonic()
        self._came, self._went = asyncio.Event(), asyncio.Event()
        self._went.set()

    @property
    def is_busy(self) -> bool:
        return self._num_running > 0

    def begin(self) -> None:
        self._num_running += 1
        self._came.set()
        self._went.clear()

    def end(self) -> None:
        self._num_running -= 1
        if self._num_running == 0:
            self._idle_since = time.monotonic()
            self._came.clear()
            self._went.set()

    async def wait_until_idle(self, for_s: float) -> None:
        """Wait until there has been no request for `for_s` seconds."""
        while True:
            await self._went.wait()
            left = self._idle_since + for_s - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def wait_for_request(self) -> None:
        await self._came.wait()


class CountTraffic:
    """An ASGI layer that tells a `Traffic` of each request but those that only read."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("method") in READING:
            await self._app(scope, receive, send)
            return
        self._traffic.begin()
        try:
            await self._app(scope, receive, send)
        finally:
            self._traffic.end()
