"""Server-sent events around a decoder: comments while paths run, and the report on chunks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

from decoding.decoder import Progress

Amend = Callable[[dict[str, Any]], None]  # changes a chunk's JSON in place
DATA = "data: "
DONE = "data: [DONE]"
KEEP_ALIVE = ": keep-alive\n\n"


class ProgressStream:
    """Merges a stream of events with comments that tell how many paths are complete.

    SSE clients ignore comments, which keep proxies from closing a silent connection; but some read
    lines and know `data` alone.

    Args:
        keep_alive_s: the longest silence; with None there are no comments at all.
    """

    def __init__(self, keep_alive_s: float | None) -> None:
        self._keep_alive_s = keep_alive_s
        self._pending: asyncio.Queue[str | None] = asyncio.Queue()

    def on_progress(self, progress: Progress) -> None:
        if self._keep_alive_s is None:
            return
        self._pending.put_nowait(f": decoding {progress.finished}/{progress.total} paths\n\n")

    async def merge(self, chunks: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """Chunks and comments as they come. Closing this closes `chunks`."""
        pump = asyncio.create_task(self._pump(chunks))
        try:
            while (item := await self._next()) is not None:
                yield item
            await pump
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _pump(self, chunks: AsyncGenerator[str, None]) -> None:
        try:
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    self._pending.put_nowait(chunk)
        finally:
            self._pending.put_nowait(None)

    async def _next(self) -> str | None:
        try:
            return await asyncio.wait_for(self._pending.get(), self._keep_alive_s)
        except TimeoutError:
            return KEEP_ALIVE


async def amend_ends(
    chunks: AsyncGenerator[str, None],
    is_complete: Callable[[], bool],
    announce: Amend,
    amend: Amend,
) -> AsyncGenerator[str, None]:
    """Amend the last chunk before `[DONE]`, and announce on the first chunk what is known by then.

    openai-python's `chat.completions.stream()` builds the final completion of the first chunk's
    own fields and drops those of later ones.

    A chunk is held back only once `is_complete` says that the last one may be near, so that
    earlier ones are not delayed. A stream that ends in an error is passed on as it is.
    """
    held: str | None = None
    is_first = True
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            is_data = chunk.startswith(DATA) and not chunk.startswith(DONE)
            if held is not None and is_data:
                yield held
                held = None
            if is_data and is_complete():
                held = _amended(chunk, announce) if is_first else chunk
                is_first = False
                continue
            is_first = is_first and not is_data
            if held is not None:
                yield _amended(held, amend)
                held = None
            yield chunk
    if held is not None:
        yield _amended(held, amend)


def _amended(chunk: str, amend: Amend) -> str:
    content = json.loads(chunk.removeprefix(DATA))
    if "error" not in content:
        amend(content)
    return f"{DATA}{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"
