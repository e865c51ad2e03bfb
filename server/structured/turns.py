"""Turns at something that one may use at a time, which tenants take round and round."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from server.gate.refusals import Refused


class Turns:
    """Each tenant's requests wait in a line of their own. When a turn ends, the next is that of the
    tenant that has waited longest since its own last one, so that a tenant waits for one turn of
    each other tenant, however many of theirs wait."""

    def __init__(self, max_waiting_of_tenant: int, max_waiting: int) -> None:
        self._max_waiting_of_tenant = max_waiting_of_tenant
        self._max_waiting = max_waiting
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        """Of tenants that wait, in the order of their turns."""
        self._is_taken = False

    @asynccontextmanager
    async def turn(self, tenant: str, field: str, retry_after_s: float) -> AsyncIterator[None]:
        """Wait for a turn and have it.

        Raises:
            Refused: too many of this tenant wait (429), or of all together (503). It names `field`.
        """
        if self._is_taken:
            self._check(tenant, field, retry_after_s)
            await self._wait(tenant)
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on(tenant)

    def _check(self, tenant: str, field: str, retry_after_s: float) -> None:
        if len(self._lines.get(tenant, ())) >= self._max_waiting_of_tenant:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self._max_waiting_of_tenant} new schemas and grammars of yours wait to be "
                "compiled; try again when one is done",
                field,
                retry_after_s,
            )
        if sum(map(len, self._lines.values())) >= self._max_waiting:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too many new schemas and grammars wait to be compiled; try again",
                field,
                retry_after_s,
            )

    async def _wait(self, tenant: str) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(tenant, deque())
        line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # its turn had just come
                self._pass_on(tenant)
            elif place in line:
                self._remove(tenant, place)
            raise

    def _remove(self, tenant: str, place: asyncio.Future[None]) -> None:
        self._lines[tenant].remove(place)
        if not self._lines[tenant]:
            del self._lines[tenant]

    def _pass_on(self, tenant: str) -> None:
        """To the first of the first line; this tenant's goes behind all others."""
        if (own := self._lines.pop(tenant, None)) is not None:
            self._lines[tenant] = own
        while self._lines:
            first = next(iter(self._lines))
            place = self._lines[first][0]
            self._remove(first, place)
            if not place.done():  # else it was cancelled, and has not come round to leaving
                place.set_result(None)
                return
        self._is_taken = False
