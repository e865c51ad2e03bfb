"""How much is let in: requests at the same time, and what each key has left.

The gate lets a request in. What it may cost is held of its key's budgets where it goes into the
engine, which knows its prompts and how long it may generate.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Protocol

from server.gate.budgets import BUSY_RETRY_S, Budgets, Most
from server.gate.caller import Caller
from server.gate.refusals import Refused

Done = Callable[[], None]


class CountsTokens(Protocol):
    """What counts the tokens of one sequence; vLLM's detokenizers do."""

    def num_output_tokens(self) -> int: ...


class SharedPrompt:
    """A part of a request whose sequences share a prompt and have a usage of their own: the paths
    of a decoder, the beams of a search.

    `num_used` is what the reply's `usage` says, None until there is a reply.
    """

    def __init__(self) -> None:
        self.num_prompt_tokens = 0
        self.num_used: int | None = None


class Visit:
    """One request while it is inside: who sends it, and what it has cost so far."""

    def __init__(self, caller: Caller, budgets: Budgets | None = None) -> None:
        self.caller = caller
        self.length_field = "max_tokens"
        """The request's field that bounds what a path may generate."""
        self.num_held = 0
        self.refusal: Refused | None = None
        """Why the engine was not asked, for the reply: vLLM's routes have words of their own."""
        self._budgets = budgets
        self._num_ahead = 0
        self._num_prompt_tokens = 0
        self._shared: list[SharedPrompt] = []
        self._sequences: list[CountsTokens] = []
        self._tasks: set[asyncio.Task[Any]] = set()  # of any result
        self._endings: list[Done] = []

    def hold(self, most: Most) -> None:
        """Hold the most that something may cost of the key's budgets, before it runs.

        Nothing is held for the sequences of a `SharedPrompt`, whose whole was held before.

        Raises:
            Refused: the budgets have not as much left.
        """
        if not self._shared:
            self._hold_the_rest(most)

    def hold_ahead(self, most: Most) -> None:
        """`hold` for what `hold` will be called for again, when it is about to run."""
        self._hold(most)
        self._num_ahead += most.num_tokens

    def share(self, most: Most) -> SharedPrompt:
        """`hold`, for sequences that share a prompt; for all that are added from here on."""
        self._hold_the_rest(most)
        self._shared.append(SharedPrompt())
        return self._shared[-1]

    def _hold_the_rest(self, most: Most) -> None:
        """What is not held already, ahead of time."""
        ahead = min(self._num_ahead, most.num_tokens)
        self._num_ahead -= ahead
        if ahead < most.num_tokens:
            self._hold(most)

    def _hold(self, most: Most) -> None:
        if self._budgets is None or self.caller.key is None:
            return
        try:
            self._budgets.hold(self.caller.key, most, self.num_held, self.length_field)
        except Refused as refusal:
            self.refusal = refusal
            raise
        self.num_held += most.num_tokens

    def add_sequence(self, num_prompt_tokens: int, counter: CountsTokens | None) -> None:
        """A sequence that the engine works on; `counter` is None where it generates nothing."""
        if not self._shared:
            self._num_prompt_tokens += num_prompt_tokens
        if counter is not None:
            self._sequences.append(counter)

    @property
    def num_paths(self) -> int:
        return len(self._sequences)

    @property
    def num_tokens(self) -> int:
        """What the reply's `usage` says; without a reply, of the prompts and of every path."""
        used = [part.num_used for part in self._shared if part.num_used is not None]
        if self._shared and len(used) == len(self._shared):
            return sum(used)
        generated = sum(sequence.num_output_tokens() for sequence in self._sequences)
        shared = sum(part.num_prompt_tokens for part in self._shared) if self._sequences else 0
        return self._num_prompt_tokens + shared + generated

    def close(self) -> None:
        """Hold nothing any more for what a client left behind: nobody would give it back."""
        self._budgets = None

    def last_for(self, task: asyncio.Task[Any]) -> None:  # of any result
        """Have the visit last until the task is done, which goes on behind the reply."""
        self._tasks.add(task)
        task.add_done_callback(self._leave)

    def when_over(self, ending: Done) -> None:
        """Call `ending` when the visit is over, which is now unless a task of its goes on."""
        if self._tasks:
            self._endings.append(ending)
        else:
            ending()

    def _leave(self, task: asyncio.Task[Any]) -> None:  # of any result
        self._tasks.discard(task)
        if not self._tasks:
            endings, self._endings = self._endings, []
            for ending in endings:
                ending()


current_visit: ContextVar[Visit | None] = ContextVar("current_visit", default=None)


class Admission:
    """`max_tenant_share` is the part of the places that one tenant may have at most."""

    def __init__(self, max_requests: int, max_tenant_share: float = 1.0) -> None:
        self._max_requests = max_requests
        self._max_tenant_requests = max(1, int(max_requests * max_tenant_share))
        self._num_requests = 0
        self._num_requests_of: Counter[str] = Counter()
        self._num_requests_of_tenant: Counter[str] = Counter()
        self._budgets = Budgets()

    @contextmanager
    def visit(self, caller: Caller) -> Iterator[Visit]:
        """Let a request in, and charge its key when it is over.

        Raises:
            Refused: there are too many, or the key has used up what it may.
        """
        self.check(caller)
        if caller.key is not None:
            self._budgets.count_request(caller.key)
        visit = Visit(caller, self._budgets)
        self._num_requests += 1
        self._num_requests_of[caller.name] += 1
        self._num_requests_of_tenant[caller.tenant] += 1
        token = current_visit.set(visit)
        try:
            yield visit
        finally:
            current_visit.reset(token)
            visit.when_over(lambda: self._end(visit))

    def _end(self, visit: Visit) -> None:
        self._num_requests -= 1
        self._num_requests_of[visit.caller.name] -= 1
        self._num_requests_of_tenant[visit.caller.tenant] -= 1
        visit.close()
        if visit.caller.key is not None:
            self._budgets.settle(visit.caller.key, visit.num_held, visit.num_tokens)

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
        self._budgets.check(key)
