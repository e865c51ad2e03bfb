import asyncio
from collections.abc import AsyncIterator

import pytest

from server.aside import Aside, Ended, read_line

WORKER = "tests.server.aside_worker"
LONG_S, SHORT_S = 60.0, 0.05


def aside_of(timeout_s: float = LONG_S, module: str = WORKER) -> Aside:
    return Aside(module, lambda: {}, timeout_s)


@pytest.fixture(scope="module")
async def aside() -> AsyncIterator[Aside]:
    one = aside_of()
    yield one
    await one.close()


async def test_it_answers_one_question_after_another(aside: Aside) -> None:
    assert [await aside.ask(line, read_line) for line in (b"one\n", b"two\n")] == [
        b"one\n",
        b"two\n",
    ]


async def test_crash_ends_one_question_and_not_the_next(aside: Aside) -> None:
    with pytest.raises(Ended):
        await aside.ask(b"crash\n", read_line)
    assert aside.is_idle
    assert await aside.ask(b"again\n", read_line) == b"again\n"


async def test_slow_answer_ends_the_process() -> None:
    slow = aside_of(SHORT_S)
    with pytest.raises(Ended):
        await slow.ask(b"hang\n", read_line)
    assert slow.is_idle


async def test_cancelled_question_ends_the_process(aside: Aside) -> None:
    await aside.ask(b"started\n", read_line)
    asking = asyncio.create_task(aside.ask(b"hang\n", read_line))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert aside.is_idle
    assert await aside.ask(b"after\n", read_line) == b"after\n"


async def test_module_that_does_not_start_is_told() -> None:
    with pytest.raises(RuntimeError, match="does not start"):
        await aside_of(module="tests.server.nowhere").ask(b"", read_line)
