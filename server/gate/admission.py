"""How much is let in: requests at the same time, and what each key has left.

Rates are counted in windows that begin with a key's first request (the library `limits`), in the
memory of this process. Tokens are counted when they have been generated, those of requests that
were given up included, so a key can overdraw its budget by what was on its way, and no further.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.gate.caller import Caller
from server.gate.keys import Key
from server.gate.refusals import Refused

BUSY_RETRY_S = 1.0


class CountsTokens(Protocol):
    """What counts the tokens of one sequence; vLLM's detokenizers do."""

    def num_output_tokens(self) -> int: ...


class Visit:
    """One request while it is inside: who sends it, and what it has cost so far."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.is_decoded = False
        """Whether a decoder answers it, whose paths share their prompt."""
        self._num_prompt_tokens = 0
        self._sequences: list[CountsTokens] = []

    def add_sequence(self, num_prompt_tokens: int, counter: CountsTokens | None) -> None:
        """A sequence that the engine works on; `counter` is None where it generates nothing."""
        if self.is_decoded:
            self._num_prompt_tokens = max(self._num_prompt_tokens, num_prompt_tokens)
        else:
            self._num_prompt_tokens += num_prompt_tokens
        if counter is not None:
            self._sequences.append(counter)

    @property
    def num_paths(self) -> int:
        return len(self._sequences)

    @property
    def num_tokens(self) -> int:
        """Of the prompt, and of every path."""
        return self._num_prompt_tokens + sum(s.num_output_tokens() for s in self._sequences)


current_visit: ContextVar[Visit | None] = ContextVar("current_visit", default=None)


class Admission:
    """`max_tenant_share` is the part of the places that one tenant may have at most."""

    def __init__(self, max_requests: int, max_tenant_share: float = 1.0) -> None:
        self._max_requests = max_requests
        self._max_tenant_requests = max(1, int(max_requests * max_tenant_share))
        self._num_requests = 0
        self._num_requests_of: Counter[str] = Counter()
        self._num_requests_of_tenant: Counter[str] = Counter()
        self._rates: FixedWindowRateLimiter | None = None

    @contextmanager
    def visit(self, caller: Caller) -> Iterator[Visit]:
        """Let a request in, and charge its key when it leaves.

        Raises:
            Refused: there are too many, or the key has used up what it may.
        """
        self.check(caller)
        self._count_request(caller.key)
        visit = Visit(caller)
        self._num_requests += 1
        self._num_requests_of[caller.name] += 1
        self._num_requests_of_tenant[caller.tenant] += 1
        token = current_visit.set(visit)
        try:
            yield visit
        finally:
            current_visit.reset(token)
            self._num_requests -= 1
            self._num_requests_of[caller.name] -= 1
            self._num_requests_of_tenant[caller.tenant] -= 1
            if caller.key is not None:
                self._charge(caller.key, visit.num_tokens)

    def check(self, caller: Caller) -> None:
        """Refuse what `visit` would refuse now, before anything of a request but its head is read.

        Raises:
            Refused: as `visit`.
        """
        if self._num_requests >= self._max_requests:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the server has {self._max_requests} requests at work; try again later",
                retry_after_s=BUSY_RETRY_S,
            )
        if self._num_requests_of_tenant[caller.tenant] >= self._max_tenant_requests:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"the tenant of the key {caller.name} may have {self._max_tenant_requests} "
                "requests at work at a time; wait until one is done",
                retry_after_s=BUSY_RETRY_S,
            )
        key = caller.key
        if key is None:
            return
        if key.max_requests is not None and self._num_requests_of[key.name] >= key.max_requests:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"the key {key.name} may have {key.max_requests} requests at work at a time; wait "
                "until one is done",
                retry_after_s=BUSY_RETRY_S,
            )
        for name, budget in _token_budgets(key):
            if not self._limiter.test(budget, name, key.name):
                raise self._spent(budget, name, key, "tokens")
        if (rate := _request_rate(key)) and not self._limiter.test(rate, "requests", key.name):
            raise self._spent(rate, "requests", key, "requests")

    def _count_request(self, key: Key | None) -> None:
        if key is not None and (rate := _request_rate(key)):
            self._limiter.hit(rate, "requests", key.name)

    def _spent(self, limit: RateLimitItem, name: str, key: Key, what: str) -> Refused:
        reset_at = self._limiter.get_window_stats(limit, name, key.name).reset_time
        left_s = max(0.0, reset_at - time.time())
        span = "minute" if limit.get_expiry() == RateLimitItemPerMinute(1).get_expiry() else "day"
        return Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"the key {key.name} may use {limit.amount} {what} a {span}, and has; try again in "
            f"{left_s:.0f} s",
            retry_after_s=left_s,
        )

    def _charge(self, key: Key, num_tokens: int) -> None:
        for name, budget in _token_budgets(key):
            self._limiter.hit(budget, name, key.name, cost=num_tokens)

    @property
    def _limiter(self) -> FixedWindowRateLimiter:
        """Made when the first key needs it: its storage has a thread."""
        if self._rates is None:
            self._rates = FixedWindowRateLimiter(MemoryStorage())
        return self._rates


def _request_rate(key: Key) -> RateLimitItem | None:
    rate = key.requests_per_minute
    return RateLimitItemPerMinute(rate) if rate is not None else None


def _token_budgets(key: Key) -> Sequence[tuple[str, RateLimitItem]]:
    budgets: list[tuple[str, RateLimitItem]] = []
    if key.tokens_per_minute is not None:
        budgets.append(("tokens", RateLimitItemPerMinute(key.tokens_per_minute)))
    if key.tokens_per_day is not None:
        budgets.append(("tokens", RateLimitItemPerDay(key.tokens_per_day)))
    return budgets
