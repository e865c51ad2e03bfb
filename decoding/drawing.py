"""Drawing samples until a rule decides.

Samples may come in in any order; they are counted in the order in which they were launched, since
counted as they arrive, short samples would outvote long ones. Only where the request's deadline
ends the drawing is every finished sample counted, also one behind a gap: what it cut off never
comes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from decoding.concurrency import task_group
from decoding.engine import Engine, PathAborted
from decoding.report import Stopped
from decoding.sample import Sample

Draw = Callable[[int], Coroutine[Any, Any, Sample]]
"""Draws the sample of that number, counted from 0 in launch order."""
Launched = Sequence[Sample | None]
"""What has been launched, in launch order; None is still under way."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The samples that were counted, those that came in too late, and what became of the rest.

    `is_out_of_time`: the deadline ended it. Then the ones that it cut off are among the counted,
    and do not vote.
    """

    counted: Sequence[Sample]
    late: Sequence[Sample] = ()
    num_aborted: int = 0
    num_aborted_tokens: int = 0
    num_not_started: int = 0
    is_out_of_time: bool = False

    @property
    def samples(self) -> tuple[Sample, ...]:
        return (*self.counted, *self.late)

    def stopped(self, rule: str) -> Stopped | None:
        """What stopping by this rule saved; None where every sample was counted."""
        if not (self.late or self.num_aborted or self.num_not_started):
            return None
        return Stopped(
            rule="timeout" if self.is_out_of_time else rule,
            num_used=sum(not sample.is_timed_out for sample in self.counted),
            num_aborted=self.num_aborted,
            num_aborted_tokens=self.num_aborted_tokens,
            num_not_started=self.num_not_started,
        )


async def draw_until(
    engine: Engine,
    num_samples: int,
    draw: Draw,
    is_decided: Callable[[Sequence[Sample]], bool],
    num_wanted: Callable[[Launched], int],
) -> Drawn:
    """Launch samples and count them until the vote is decided; then abort the surplus.

    The surplus is not cancelled but ended, so that every token of it is counted. Where the deadline
    passes before the vote is decided, no more are launched, and all that finished are counted.

    Args:
        is_decided: of the samples counted so far; asked after each.
        num_wanted: how many samples ought to have been launched by now. Asked at the start and
            whenever one comes in; never more than `num_samples` are.
    """
    launched: list[Sample | None] = []
    counted: list[Sample] = []
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
            if any(sample is not None and sample.is_timed_out for sample in launched):
                is_out_of_time = True
                break
        is_over = not is_out_of_time
        if running and is_over:
            await engine.abort_paths()
    late = [sample for sample in launched[len(counted) :] if sample is not None]
    return Drawn(
        [*counted, *late] if is_out_of_time else counted,
        [] if is_out_of_time else list(map(_as_surplus, late)),
        len(aborted),
        sum(path.num_tokens for path in aborted),
        num_samples - len(launched),
        is_out_of_time,
    )


def _as_surplus(sample: Sample) -> Sample:
    return sample if sample.is_timed_out else replace(sample, dropped="surplus", weight=0.0)


def _count(
    launched: Launched,
    counted: list[Sample],
    is_decided: Callable[[Sequence[Sample]], bool],
) -> bool:
    """Count what has come in without a gap; whether that decided the vote. A sample that was cut
    off by the deadline is a gap."""
    for sample in launched[len(counted) :]:
        if sample is None or sample.is_timed_out:
            return False
        counted.append(sample)
        if is_decided(counted):
            return True
    return False
