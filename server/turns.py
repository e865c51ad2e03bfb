"""Turns at scarce work, shared out by tenant."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class TooManyWaiting(Exception):
    """The limit of those who wait or work is met: the tenant's, or that of all (`is_of_all`)."""

    def __init__(self, *, is_of_all: bool) -> None:
        super().__init__()
        self.is_of_all = is_of_all


class FairTurns:
    """Turns for at most `num_at_once` to work at the same time, one of each tenant.

    Tenants take turns, so that one that sends much waits behind its own requests.
    """

    def __init__(
        self, num_at_once: int, max_present: int, max_present_of_all: int | None = None
    ) -> None:
        """`max_present` is of one tenant: those at work, those waiting, those still arriving."""
        self._num_free = num_at_once
        self._max_present = max_present
        self._max_present_of_all = max_present_of_all
        self._present: Counter[str] = Counter()
        self._at_work: set[str] = set()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextmanager
    def presence(self, tenant: str) -> Iterator[None]:
        """Around all that one request does, before it takes memory.

        Raises:
            TooManyWaiting: the tenant has `max_present` others here, or all together as many as
                may be.
        """
        if self._present[tenant] >= self._max_present:
            raise TooManyWaiting(is_of_all=False)
        of_all = self._max_present_of_all
        if of_all is not None and self._present.total() >= of_all:
            raise TooManyWaiting(is_of_all=True)
        self._present[tenant] += 1
        try:
            yield
        finally:
            self._present[tenant] -= 1
            if not self._present[tenant]:
                del self._present[tenant]

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Wait for the tenant's turn, and hold it."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        self._grant()
        try:
            await turn
            yield
        finally:
            if turn.cancelled():  # while it waited
                self._withdraw(tenant, turn)
            else:
                self._at_work.remove(tenant)
                self._num_free += 1
                if tenant in self._waiting:
                    self._waiting.move_to_end(tenant)
                self._grant()

    def _grant(self) -> None:
        for tenant in [one for one in self._waiting if one not in self._at_work]:
            if not self._num_free:
                return
            turn = self._next(tenant)
            if turn is not None:
                self._num_free -= 1
                self._at_work.add(tenant)
                turn.set_result(None)

    def _next(self, tenant: str) -> asyncio.Future[None] | None:
        """The tenant's first that has not just given up."""
        queue = self._waiting[tenant]
        while queue and queue[0].done():
            queue.popleft()
        turn = queue.popleft() if queue else None
        if not queue:
            del self._waiting[tenant]
        return turn

    def _withdraw(self, tenant: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(tenant, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[tenant]
