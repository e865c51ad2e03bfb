import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from decoding.decoder import Progress
from server.sse import KEEP_ALIVE, ProgressStream, amend_ends

LONG_S = 600.0


async def chunks_of(*chunks: str) -> AsyncGenerator[str, None]:
    for chunk in chunks:
        yield chunk


def unchanged(content: object) -> None:
    """Amends nothing."""


def data(**content: object) -> str:
    return f"data: {json.dumps(content)}\n\n"


async def amended(*chunks: str, complete_after: int = 0) -> list[str]:
    """What is passed on when the report is there once `complete_after` chunks were produced."""
    produced = 0

    async def counted() -> AsyncGenerator[str, None]:
        nonlocal produced
        for chunk in chunks:
            produced += 1
            yield chunk

    stream = amend_ends(
        counted(),
        lambda: produced > complete_after,
        lambda content: content.update(decoding="announced"),
        lambda content: content.update(decoding="report"),
    )
    return [chunk async for chunk in stream]


async def test_last_chunk_before_done_is_amended_and_the_first_announces() -> None:
    out = await amended(data(i=1), data(i=2), data(i=3), "data: [DONE]\n\n")
    assert out == [
        'data: {"i":1,"decoding":"announced"}\n\n',
        data(i=2),
        'data: {"i":3,"decoding":"report"}\n\n',
        "data: [DONE]\n\n",
    ]


async def test_only_chunk_is_amended() -> None:
    assert await amended(data(i=1), "data: [DONE]\n\n") == [
        'data: {"i":1,"decoding":"report"}\n\n',
        "data: [DONE]\n\n",
    ]


async def test_first_chunk_announces_nothing_that_is_not_known_by_then() -> None:
    out = await amended(data(i=1), data(i=2), data(i=3), complete_after=1)
    assert out == [data(i=1), data(i=2), 'data: {"i":3,"decoding":"report"}\n\n']


async def test_stream_without_done_is_amended_at_its_end() -> None:
    assert await amended(data(i=1), data(i=2), complete_after=1) == [
        data(i=1),
        'data: {"i":2,"decoding":"report"}\n\n',
    ]


async def test_nothing_is_amended_before_the_report_is_there() -> None:
    chunks = (data(i=1), data(i=2), "data: [DONE]\n\n")
    assert await amended(*chunks, complete_after=9) == list(chunks)


async def test_chunks_before_the_report_are_not_held_back() -> None:
    stream = amend_ends(chunks_of(data(i=1), data(i=2)), lambda: False, unchanged, unchanged)
    assert await anext(stream) == data(i=1)
    await stream.aclose()


async def test_an_error_is_passed_on_as_it_is() -> None:
    chunks = (data(i=1), data(error={"message": "died"}), "data: [DONE]\n\n")
    out = await amended(*chunks, complete_after=1)
    assert [json.loads(chunk[6:]) for chunk in out[:2]] == [
        {"i": 1},
        {"error": {"message": "died"}},
    ]


async def test_amended_chunk_keeps_every_character() -> None:
    (out,) = await amended(data(text="naïve 🦆\n"))
    assert json.loads(out.removeprefix("data: ")) == {"text": "naïve 🦆\n", "decoding": "report"}
    assert out.endswith("\n\n")
    assert out.count("\n") == 2


async def test_closing_the_amended_stream_closes_its_source() -> None:
    is_closed = False

    async def source() -> AsyncGenerator[str, None]:
        nonlocal is_closed
        try:
            yield data(i=1)
            yield data(i=2)
        finally:
            is_closed = True

    stream = amend_ends(source(), lambda: False, unchanged, unchanged)
    await anext(stream)
    await stream.aclose()
    assert is_closed


async def test_progress_comes_between_chunks_in_order() -> None:
    progress = ProgressStream(LONG_S)

    async def source() -> AsyncGenerator[str, None]:
        progress.on_progress(Progress(1, 2))
        progress.on_progress(Progress(2, 2))
        yield data(i=1)

    out = [item async for item in progress.merge(source())]
    assert out == [": decoding 1/2 paths\n\n", ": decoding 2/2 paths\n\n", data(i=1)]


async def test_silence_is_filled_with_comments() -> None:
    released = asyncio.Event()

    async def source() -> AsyncGenerator[str, None]:
        await released.wait()
        yield data(i=1)

    merged = ProgressStream(keep_alive_s=0.001).merge(source())
    assert [await anext(merged) for _ in range(3)] == [KEEP_ALIVE] * 3
    released.set()
    rest = [item async for item in merged]
    assert rest[-1] == data(i=1)
    assert set(rest[:-1]) <= {KEEP_ALIVE}


async def test_stream_without_comments_has_events_alone() -> None:
    progress = ProgressStream(keep_alive_s=None)

    async def source() -> AsyncGenerator[str, None]:
        progress.on_progress(Progress(1, 2))
        yield data(i=1)
        await asyncio.sleep(0)
        progress.on_progress(Progress(2, 2))
        yield data(i=2)

    assert [item async for item in progress.merge(source())] == [data(i=1), data(i=2)]


def test_comments_are_comments_to_every_sse_reader() -> None:
    assert KEEP_ALIVE.startswith(":")
    assert KEEP_ALIVE.endswith("\n\n")


async def test_failure_of_the_source_is_raised_after_what_came_before() -> None:
    async def source() -> AsyncGenerator[str, None]:
        yield data(i=1)
        raise RuntimeError("engine died")

    merged = ProgressStream(LONG_S).merge(source())
    assert await anext(merged) == data(i=1)
    with pytest.raises(RuntimeError, match="engine died"):
        await anext(merged)


async def test_closing_the_merged_stream_stops_its_source() -> None:
    is_stopped = False

    async def source() -> AsyncGenerator[str, None]:
        nonlocal is_stopped
        try:
            yield data(i=1)
            await asyncio.Event().wait()
        finally:
            is_stopped = True

    merged = ProgressStream(LONG_S).merge(source())
    assert await anext(merged) == data(i=1)
    await merged.aclose()
    assert is_stopped
