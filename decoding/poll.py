"""Drawing samples until a vote is decided.

Samples may come in in any order; they are counted in the order in which they were launched, since
counted as they arrive, short samples would outvote long ones.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from decoding.ballot import Ballot
from decoding.concurrency import task_group
from decoding.engine import Engine
from decoding.report import Stopped

Draw = Callable[[int], Coroutine[Any, Any, Ballot]]
"""Draws the sample of that number, counted from 0 in launch order."""
Launched = Sequence[Ballot | None]
"""What has been launched, in launch order; None is still under way."""


@dataclass(frozen=True, slots=True)
class Poll:
    """The samples that were counted, those that came in too late, and what became of the rest."""

    counted: Sequence[Ballot]
    late: Sequence[Ballot] = ()
    num_aborted: int = 0
    num_aborted_tokens: int = 0
    num_not_started: int = 0

    @property
    def ballots(self) -> tuple[Ballot, ...]:
        return (*self.counted, *self.late)

    @property
    def num_tokens(self) -> int:
        return self.num_aborted_tokens + sum(len(b.path.token_ids) for b in self.ballots)

    def stopped(self, rule: str) -> Stopped | None:
        """What stopping by this rule saved; None where every sample was counted."""
        if not (self.late or self.num_aborted or self.num_not_started):
            return None
        return Stopped(
            rule=rule,
            num_used=len(self.counted),
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

    Args:
        is_decided: of the samples counted so far; asked after each.
        num_wanted: how many samples ought to have been launched by now. Asked at the start and
            whenever one comes in; never more than `num_samples` are.
    """
    tasks: list[asyncio.Task[Ballot]] = []
    counted: list[Ballot] = []
    async with task_group() as group:
        while len(counted) < num_samples:
            launched = [task.result() if task.done() else None for task in tasks]
            wanted = max(num_wanted(launched), len(counted) + 1)
            for number in range(len(tasks), min(wanted, num_samples)):
                tasks.append(group.create_task(draw(number)))
            running = [task for task in tasks if not task.done()]
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if _count(tasks, counted, is_decided):
                break
        late = [task.result() for task in tasks[len(counted) :] if task.done()]
        num_running_tokens = engine.num_running_tokens
        num_aborted = sum(task.cancel() for task in tasks)
    return Poll(
        counted,
        [replace(ballot, dropped="surplus", weight=0.0) for ballot in late],
        num_aborted,
        num_running_tokens if num_aborted else 0,
        num_samples - len(tasks),
    )


def _count(
    tasks: Sequence[asyncio.Task[Ballot]],
    counted: list[Ballot],
    is_decided: Callable[[Sequence[Ballot]], bool],
) -> bool:
    """Count what has come in without a gap; whether that decided the vote."""
    for task in tasks[len(counted) :]:
        if not task.done():
            return False
        counted.append(task.result())
        if is_decided(counted):
            return True
    return False
