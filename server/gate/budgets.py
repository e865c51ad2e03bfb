"""What each key has left: requests a minute, and tokens a minute and a day.

Windows begin with a key's first request (the library `limits`), in the memory of this process.
The most that a request can cost is held of the key's budgets before it runs, and what it did cost
is charged when it ends, to the windows of that moment; so what runs at once cannot overdraw them.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.gate.keys import Key
from server.gate.refusals import Refused

BUSY_RETRY_S = 1.0
TOKENS, REQUESTS = "tokens", "requests"


@dataclass(frozen=True, slots=True)
class Most:
    """The most tokens that a request, or a part of it, can cost."""

    num_prompt_tokens: int
    num_generated: int = 0
    """Over all paths."""
    num_paths: int = 1

    @property
    def num_tokens(self) -> int:
        return self.num_prompt_tokens + self.num_generated


class Budgets:
    """Counts by the name of a key."""

    def __init__(self) -> None:
        self._rates: FixedWindowRateLimiter | None = None
        self._held: Counter[str] = Counter()

    def check(self, key: Key) -> None:
        """Look whether the key may begin another request.

        Raises:
            Refused: the key has no requests or no tokens left.
        """
        for budget in _token_budgets(key):
            if not self._limiter.test(budget, TOKENS, key.name):
                raise self._spent(budget, key, TOKENS)
        rate = _request_rate(key)
        if rate is not None and not self._limiter.test(rate, REQUESTS, key.name):
            raise self._spent(rate, key, REQUESTS)

    def count_request(self, key: Key) -> None:
        """Count a request that `check` let pass."""
        if (rate := _request_rate(key)) is not None:
            self._limiter.hit(rate, REQUESTS, key.name)

    def hold(self, key: Key, most: Most, num_held: int, length_field: str) -> None:
        """Hold `most` of the key's budgets until it is settled.

        Args:
            num_held: what the request holds already.
            length_field: the request's field that bounds what a path may generate.

        Raises:
            Refused: it does not fit into what is left (429), or into no budget of this size (400).
        """
        for budget in _token_budgets(key):
            if num_held + most.num_tokens > budget.amount:
                raise _never_fits(key, budget, most, num_held, length_field)
            needed = self._held[key.name] + most.num_tokens
            if not self._limiter.test(budget, TOKENS, key.name, cost=needed):
                raise self._lacking(key, budget, most, num_held, length_field)
        self._held[key.name] += most.num_tokens

    def settle(self, key: Key, num_held: int, num_used: int) -> None:
        """Give back what was held, and charge what was used."""
        self._held[key.name] -= num_held
        if num_used == 0:
            return  # a window begins with what is charged
        for budget in _token_budgets(key):
            self._limiter.hit(budget, TOKENS, key.name, cost=num_used)

    def _spent(self, limit: RateLimitItem, key: Key, what: str) -> Refused:
        left_s = self._seconds_left(limit, key, what)
        return Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"the key {key.name} may use {_shown(limit, what)}, and has; try again in "
            f"{left_s:.0f} s",
            retry_after_s=left_s,
        )

    def _lacking(
        self, key: Key, budget: RateLimitItem, most: Most, num_held: int, length_field: str
    ) -> Refused:
        left = self._limiter.get_window_stats(budget, TOKENS, key.name).remaining
        held = self._held[key.name] - num_held
        wait_s, when = BUSY_RETRY_S, "when requests at work are done"
        if left < num_held + most.num_tokens:
            wait_s = self._seconds_left(budget, key, TOKENS)
            when = f"in {wait_s:.0f} s"
        return Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"the request may take {_counted(most, num_held)}; the key {key.name} may use "
            f"{_shown(budget, TOKENS)} and has {left} left, of which requests at work hold {held}: "
            f"{_remedy(most, num_held, left, length_field)}, or try again {when}",
            length_field if most.num_generated else None,
            retry_after_s=wait_s,
        )

    def _seconds_left(self, limit: RateLimitItem, key: Key, what: str) -> float:
        reset_at = self._limiter.get_window_stats(limit, what, key.name).reset_time
        return max(0.0, reset_at - time.time())

    @property
    def _limiter(self) -> FixedWindowRateLimiter:
        """Made when the first key needs it: its storage has a thread."""
        if self._rates is None:
            self._rates = FixedWindowRateLimiter(MemoryStorage())
        return self._rates


def _never_fits(
    key: Key, budget: RateLimitItem, most: Most, num_held: int, length_field: str
) -> Refused:
    return Refused(
        HTTPStatus.BAD_REQUEST,
        f"the request may take {_counted(most, num_held)}, more than the key {key.name} may ever "
        f"use, {_shown(budget, TOKENS)}: {_remedy(most, num_held, budget.amount, length_field)}",
        length_field if most.num_generated else None,
    )


def _counted(most: Most, num_held: int) -> str:
    parts = [f"{most.num_prompt_tokens} of the prompt"]
    if most.num_generated:
        by_paths = f" by {most.num_paths} paths" if most.num_paths > 1 else ""
        parts.append(f"{most.num_generated} generated{by_paths}")
    if num_held:
        parts.append(f"{num_held} by its other parts")
    return f"{num_held + most.num_tokens} tokens ({', '.join(parts)})"


def _remedy(most: Most, num_held: int, left: int, length_field: str) -> str:
    if most.num_generated == 0 or num_held + most.num_prompt_tokens >= left:
        return "send less text"
    fewer = " or ask for fewer paths" if most.num_paths > 1 else ""
    return f"lower {length_field}{fewer}" + (" or send fewer prompts" if num_held else "")


def _shown(limit: RateLimitItem, what: str) -> str:
    span = "minute" if limit.get_expiry() == RateLimitItemPerMinute(1).get_expiry() else "day"
    return f"{limit.amount} {what} a {span}"


def _request_rate(key: Key) -> RateLimitItem | None:
    rate = key.requests_per_minute
    return RateLimitItemPerMinute(rate) if rate is not None else None


def _token_budgets(key: Key) -> Sequence[RateLimitItem]:
    budgets: list[RateLimitItem] = []
    if key.tokens_per_minute is not None:
        budgets.append(RateLimitItemPerMinute(key.tokens_per_minute))
    if key.tokens_per_day is not None:
        budgets.append(RateLimitItemPerDay(key.tokens_per_day))
    return budgets
