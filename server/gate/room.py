"""The memory that bodies may take while they are on their way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from server.gate.budgets import BUSY_RETRY_S
from server.gate.caller import Caller
from server.gate.refusals import Refused


class Room:
    """Bytes that were received of bodies which are not complete yet.

    A body counts by what came of it, not by what it announces, so that bodies which never come take
    nothing. It is refused for what the others have, not for its own size.
    """

    def __init__(self, max_bytes: int, max_tenant_share: float) -> None:
        self._max_bytes = max_bytes
        self._max_tenant_bytes = int(max_bytes * max_tenant_share)
        self._num_bytes = 0
        self._num_bytes_of: Counter[str] = Counter()

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[Callable[[int], None]]:
        """Keep room for one body while it comes; what is yielded takes more of it.

        Raises:
            Refused: there is no more, in all (503) or for this tenant (429).
        """
        tenant, num_bytes = caller.tenant, 0

        def take(num_more: int) -> None:
            nonlocal num_bytes
            if self._num_bytes - num_bytes > self._max_bytes:
                raise _full(HTTPStatus.SERVICE_UNAVAILABLE, "the server", self._max_bytes)
            if self._num_bytes_of[tenant] - num_bytes > self._max_tenant_bytes:
                whose = f"the tenant of the key {caller.name}"
                raise _full(HTTPStatus.TOO_MANY_REQUESTS, whose, self._max_tenant_bytes)
            num_bytes += num_more
            self._num_bytes += num_more
            self._num_bytes_of[tenant] += num_more

        try:
            yield take
        finally:
            self._num_bytes -= num_bytes
            self._num_bytes_of[tenant] -= num_bytes
            if not self._num_bytes_of[tenant]:
                del self._num_bytes_of[tenant]


def _full(status: HTTPStatus, whose: str, max_bytes: int) -> Refused:
    return Refused(
        status,
        f"{whose} may have {max_bytes:,} bytes of bodies on their way at a time; try again when "
        "others are complete",
        "body",
        retry_after_s=BUSY_RETRY_S,
    )
