"""Compiling aside: one helper process, asked one request at a time, ended when it takes too long.

Tenants take turns, so that another tenant's requests hold one up for one compilation, not for all
of theirs. Its answers are kept, so that a schema is compiled once, however many requests carry it.
"""

import functools
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from server.aside import Aside, Ended, read_line
from server.errors import InvalidRequest
from server.gate.refusals import Refused
from server.structured.asked import Constraint
from server.turns import FairTurns, TooManyWaiting

MAX_ANSWERS = 256
# Each may wait for `timeout_s` behind those before it; more than these are told to come again.
MAX_OF_TENANT = 17
MAX_OF_ALL = 257
WORKER = "server.structured.worker"

Text = tuple[str, str]  # what kind it is of, and itself


@dataclass(frozen=True)
class Failure:
    """`index` is that of the text; it failed in parsing, or in compiling for the vocabulary."""

    index: int
    stage: Literal["parse", "compile", "too much"]
    reason: str


class CompilerAside:
    """Says whether texts compile for a vocabulary within a time and a memory."""

    def __init__(self, timeout_s: float, setup: Callable[[], dict[str, object]]) -> None:
        """`setup` gives what a worker is told first; it may take a second, and runs in a thread."""
        self._timeout_s = timeout_s
        told = functools.cache(lambda: {**setup(), "timeout_s": timeout_s})
        self._aside = Aside(WORKER, told, timeout_s)
        self._turns = FairTurns(1, MAX_OF_TENANT, MAX_OF_ALL)
        self._answers: OrderedDict[str, Failure | None] = OrderedDict()

    async def failure_of(
        self, texts: Sequence[Text], tenant: str, field: str = "structured_outputs"
    ) -> Failure | None:
        """The first text that does not compile, if one does not.

        Raises:
            Refused: too many wait for their turn, of this tenant (429) or of all (503).
        """
        line = json.dumps(texts).encode() + b"\n"
        key = hashlib.sha256(line).hexdigest()
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        try:
            with self._turns.presence(tenant):
                async with self._turns.turn(tenant):
                    if key not in self._answers:  # another may have asked for the same
                        self._keep(key, await self._ask(line))
                    return self._answers[key]
        except TooManyWaiting as failure:
            raise self._refusal(failure, field) from None

    @property
    def is_idle(self) -> bool:
        """Whether no worker runs."""
        return self._aside.is_idle

    async def close(self) -> None:
        await self._aside.close()

    def _keep(self, key: str, answer: Failure | None) -> None:
        self._answers[key] = answer
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

    async def _ask(self, line: bytes) -> Failure | None:
        try:
            answer = await self._aside.ask(line, read_line)
        except Ended:  # too slow, out of memory, or crashed
            limit = f"takes longer than {self._timeout_s:g} s to compile, or too much memory"
            return Failure(0, "too much", f"too complex: {limit}")
        found = json.loads(answer)
        return None if found is None else Failure(**found)

    def _refusal(self, failure: TooManyWaiting, field: str) -> Refused:
        if failure.is_of_all:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            message = "too many new schemas and grammars wait to be compiled; try again"
        else:
            status = HTTPStatus.TOO_MANY_REQUESTS
            message = (
                f"{MAX_OF_TENANT} new schemas and grammars of yours are being compiled or wait for "
                "it; try again when one is done"
            )
        return Refused(status, message, field, self._timeout_s)


def refusal_of(constraint: Constraint, failure: Failure) -> InvalidRequest:
    return InvalidRequest(constraint.field, f"{constraint.field}: {failure.reason}")
