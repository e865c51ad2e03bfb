"""Whether users are being served."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from server.canaries.traffic import CountTraffic, Traffic


async def test_idle_is_when_nothing_runs_and_nothing_ran_lately() -> None:
    traffic = Traffic()
    traffic.begin()
    traffic.begin()
    waiting = asyncio.create_task(traffic.wait_until_idle(0.05))
    traffic.end()
    await asyncio.sleep(0.1)
    assert not waiting.done()
    traffic.end()
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting


async def test_request_in_the_pause_begins_it_anew() -> None:
    traffic = Traffic()
    waiting = asyncio.create_task(traffic.wait_until_idle(0.2))
    await asyncio.sleep(0.1)
    traffic.begin()
    await asyncio.sleep(0.3)
    assert not waiting.done()
    traffic.end()
    await waiting


async def test_who_waits_for_a_request_hears_of_it() -> None:
    traffic = Traffic()
    waiting = asyncio.create_task(traffic.wait_for_request())
    await asyncio.sleep(0)
    assert not waiting.done()
    traffic.begin()
    await waiting


async def test_layer_counts_what_asks_something_and_ends_it_when_it_fails() -> None:
    traffic = Traffic()
    busy: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        busy.append(traffic.is_busy)
        raise ValueError

    async def nothing() -> Message:
        return {}

    async def nowhere(message: Message) -> None: ...

    layer = CountTraffic(app, traffic)
    scopes = [
        {"type": "http", "method": "POST"},
        {"type": "websocket"},
        {"type": "http", "method": "GET"},
        {"type": "lifespan"},
    ]
    for scope in scopes:
        try:
            await layer(scope, nothing, nowhere)
        except ValueError:
            continue
    assert busy == [True, True, False, False]
    assert not traffic.is_busy
