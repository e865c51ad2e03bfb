import asyncio
from collections.abc import Sequence

import pytest

from server.turns import FairTurns, TooManyWaiting


class Workers:
    """Work that ends when it is told to, and the order in which it began."""

    def __init__(self, turns: FairTurns) -> None:
        self._turns = turns
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, *names: str) -> None:
        """Each is named for its tenant, by its first letter."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._work(name))
        await settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await self.tasks[name]
        await settle()

    async def _work(self, name: str) -> None:
        async with self._turns.turn(name[0]):
            self.began.append(name)
            await self._ends[name].wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()


async def test_tenants_take_turns() -> None:
    workers = Workers(FairTurns(1, 10))
    await workers.start("a1", "a2", "a3", "b1", "c1", "b2")
    for name in ("a1", "b1", "c1", "a2", "b2", "a3"):
        assert workers.began[-1] == name
        await workers.end(name)
    assert workers.began == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_one_tenant_never_takes_every_place() -> None:
    workers = Workers(FairTurns(2, 10))
    await workers.start("a1", "a2")
    assert workers.began == ["a1"]
    await workers.start("b1")
    assert workers.began == ["a1", "b1"]
    await workers.end("a1", "a2", "b1")


async def test_tenant_that_comes_back_waits_for_those_that_came_before() -> None:
    workers = Workers(FairTurns(1, 10))
    await workers.start("a1", "a2", "b1")
    await workers.end("a1")
    await workers.start("b2", "c1")  # while b1 has its turn
    await workers.end("b1", "a2", "c1", "b2")
    assert workers.began == ["a1", "b1", "a2", "c1", "b2"]


async def test_whoever_leaves_gives_the_turn_to_the_next() -> None:
    workers = Workers(FairTurns(1, 10))
    await workers.start("a1", "a2", "b1", "a3")
    await cancel([workers.tasks["b1"], workers.tasks["a2"]])  # they waited
    await cancel([workers.tasks["a1"]])  # at work
    assert workers.began == ["a1", "a3"]
    await workers.end("a3")


async def test_turn_given_to_one_who_leaves_at_that_moment_is_not_lost() -> None:
    workers = Workers(FairTurns(1, 10))
    await workers.start("a1", "b1", "c1")
    workers._ends["a1"].set()
    await asyncio.sleep(0)  # it is over, and b1 has not noticed yet
    await cancel([workers.tasks["b1"]])
    assert workers.began[-1] == "c1"
    await workers.end("c1")


async def test_presence_of_one_tenant_is_bounded() -> None:
    turns = FairTurns(1, 2)
    with turns.presence("a"), turns.presence("a"), turns.presence("b"):
        refused = turns.presence("a")
        with pytest.raises(TooManyWaiting):
            refused.__enter__()
    with turns.presence("a"), turns.presence("a"):
        pass


async def test_presence_of_all_together_is_bounded() -> None:
    turns = FairTurns(1, 2, 3)
    with turns.presence("a"), turns.presence("b"), turns.presence("c"):
        with pytest.raises(TooManyWaiting) as refused, turns.presence("d"):
            pass
        assert refused.value.is_of_all
    with turns.presence("d"):
        pass
