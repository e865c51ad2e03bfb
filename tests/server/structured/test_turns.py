"""Who has the next turn, and who is sent away; without a clock."""

import asyncio
from http import HTTPStatus

import pytest

from server.gate.refusals import Refused
from server.structured.turns import Turns

RETRY_S = 5.0


class Room:
    """Somebody in it stays until told to leave; `order` is that of coming in."""

    def __init__(self, max_waiting_of_tenant: int = 16, max_waiting: int = 256) -> None:
        self.turns = Turns(max_waiting_of_tenant, max_waiting)
        self.order: list[str] = []
        self._leave = asyncio.Semaphore(0)

    async def enter(self, name: str) -> None:
        """`name` begins with its tenant."""
        async with self.turns.turn(name[0], "tools", RETRY_S):
            self.order.append(name)
            await self._leave.acquire()

    async def asked(self, *names: str) -> list["asyncio.Task[None]"]:
        tasks = [asyncio.create_task(self.enter(name)) for name in names]
        await settle()
        return tasks

    async def end_turns(self, number: int) -> None:
        for _ in range(number):
            self._leave.release()
            await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("a1 a2 a3 b1", "a1 b1 a2 a3"),
        ("a1 a2 a3 b1 b2 c1", "a1 b1 c1 a2 b2 a3"),
        ("a1 b1 b2 a2", "a1 b1 a2 b2"),
        ("a1 a2 a3", "a1 a2 a3"),
    ],
)
async def test_tenants_take_turns(asked: str, order: str) -> None:
    room = Room()
    tasks = await room.asked(*asked.split())
    await room.end_turns(len(tasks))
    await asyncio.gather(*tasks)
    assert room.order == order.split()


async def test_tenant_that_comes_back_waits_for_those_that_came_before() -> None:
    room = Room()
    tasks = await room.asked("a1", "a2", "b1")
    await room.end_turns(1)
    tasks += await room.asked("b2", "c1")  # while b1 has its turn
    await room.end_turns(5)
    await asyncio.gather(*tasks)
    assert room.order == ["a1", "b1", "a2", "c1", "b2"]


async def test_tenant_with_too_many_is_sent_away_and_no_other() -> None:
    room = Room(max_waiting_of_tenant=2)
    tasks = await room.asked("a1", "a2", "a3")
    with pytest.raises(Refused, match="2 new schemas and grammars of yours") as refused:
        await room.enter("a4")
    assert refused.value.status == HTTPStatus.TOO_MANY_REQUESTS
    assert refused.value.param == "tools"
    assert refused.value.headers == {"Retry-After": "6"}
    tasks += await room.asked("b1")
    await room.end_turns(4)
    await asyncio.gather(*tasks)


async def test_all_together_have_a_bound() -> None:
    room = Room(max_waiting=2)
    tasks = await room.asked("a1", "b1", "c1")
    with pytest.raises(Refused) as refused:
        await room.enter("d1")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    await room.end_turns(3)
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("leaves", ["a1", "a2", "b1"])
async def test_who_leaves_holds_nobody_up(leaves: str) -> None:
    room = Room(max_waiting_of_tenant=1)
    tasks = dict(zip(("a1", "a2", "b1"), await room.asked("a1", "a2", "b1"), strict=True))
    tasks.pop(leaves).cancel()
    await settle()
    await room.end_turns(3)
    await asyncio.gather(*tasks.values())
    assert set(room.order) >= set(tasks)
    (last,) = await room.asked("c1")  # nobody has the turn
    await room.end_turns(1)
    await last


async def test_turn_that_came_to_one_who_left_goes_on() -> None:
    room = Room()
    first, second, third = await room.asked("a1", "b1", "c1")
    room._leave.release()
    await asyncio.sleep(0)  # a1 leaves; b1 has the turn and does not know it yet
    second.cancel()
    await settle()
    await room.end_turns(2)
    await asyncio.gather(first, third)
    assert room.order[-1] == "c1"
