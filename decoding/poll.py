"""Drawing samples until a vote is decided.

Samples may come in in any order; they are counted in the order in which they were launched, since
counted as they arrive, short samples would outvote long ones. Only where the request's deadline
ends the poll is every finished sample counted, also one behind a gap: what it cut off never comes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from decoding.ballot import Ballot
from decoding.concurrency import task_group
from decoding.engine import Engine, PathAborted
from decoding.report import Stopped

Draw = Callable[[int], Coroutine[Any, Any, Ballot]]
"""Draws the sample of that number, counted from 0 in launch order."""
Launched = Sequence[Ballot | None]
"""What has been launched, in launch order; None is still under way."""


@dataclass(frozen=True, slots=True)
class Poll:
    """The samples that were counted, those that came in too late, and what became of the rest.

    `is_out_of_time`: the deadline ended it. Then the ones that it cut off are among the counted,
    and do not vote.
    """

    counted: Sequence[Ballot]
    late: Sequence[Ballot] = ()
    num_aborted: int = 0
    num_aborted_tokens: int = 0
    num_not_started: int = 0
    is_out_of_time: bool = False

    @property
    def ballots(self) -> tuple[Ballot, ...]:
        return (*self.counted, *self.late)

    def stopped(self, rule: str) -> Stopped | None:
        """What stopping by this rule saved; None where every sample was counted."""
        if not (self.late or self.num_aborted or self.num_not_started):
            return None
        return Stopped(
            rule="timeout" if self.is_out_of_time else rule,
            num_used=sum(not ballot.is_timed_out for ballot in self.counted),
            num_aborted=self.num_aborted,
            num_aborted_tokens=self.num_aborted_tokens,
            num_not_started=self.num_not_started,
        )


async def hold_poll(
    engine: Engine,
    num_samples: int,
    draw: Draw,
    is_decided: Callable[[Sequence[Ballot]], bool],
    num_wanted: Callable[[Launched], int],
) -> Poll:
    """Launch samples and count them until the vote is decided; then abort the surplus.

    The surplus is not cancelled but ended, so that every token of it is counted. Where the deadline
    passes before the vote is decided, no more are launched, and all that finished are counted.

    Args:
        is_decided: of the samples counted so far; asked after each.
        num_wanted: how many samples ought to have been launched by now. Asked at the start and
            whenever one comes in; never more than `num_samples` are.
    """
    launched: list[Ballot | None] = []
    counted: list[Ballot] = []
    aborted: list[PathAborted] = []
    running: set[asyncio.Task[None]] = set()
    is_over = is_out_of_time = False

    async def run(number: int) -> None:
        try:
            launched[number] = await draw(number)
        except PathAborted as path:
            if not is_over:
                raise
            aborted.append(path)

    async with task_group() as group:
        while len(counted) < num_samples:
            wanted = max(num_wanted(launched), len(counted) + 1)
            for number in range(len(launched), min(wanted, num_samples)):
                launched.append(None)
                running.add(group.create_task(run(number)))
            _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if _count(launched, counted, is_decided):
                break
            if any(ballot is not None and ballot.is_timed_out for ballot in launched):
                is_out_of_time = True
                break
        is_over = not is_out_of_time
        if running and is_over:
            await engine.abort_paths()
    late = [ballot for ballot in launched[len(counted) :] if ballot is not None]
    return Poll(
        [*counted, *late] if is_out_of_time else counted,
        [] if is_out_of_time else list(map(_as_surplus, late)),
        len(aborted),
        sum(path.num_tokens for path in aborted),
        num_samples - len(launched),
        is_out_of_time,
    )


def _as_surplus(ballot: Ballot) -> Ballot:
    return ballot if ballot.is_timed_out else replace(ballot, dropped="surplus", weight=0.0)


def _count(
    launched: Launched,
    counted: list[Ballot],
    is_decided: Callable[[Sequence[Ballot]], bool],
) -> bool:
    """Count what has come in without a gap; whether that decided the vote. A sample that was cut
    off by the deadline is a gap."""
    for ballot in launched[len(counted) :]:
        if ballot is None or ballot.is_timed_out:
            return False
        counted.append(ballot)
        if is_decided(counted):
            return True
    return False
