"""Documents read in processes aside, within a time, a memory and a number of characters."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from retrieval.material import Piece
from retrieval.reading import Text
from server.aside import Aside, Ended, read_line
from server.collections.upload import Upload
from server.errors import InvalidRequest
from server.settings import Settings

Problem = dict[str, Any]  # JSON, as the worker says what is wrong
WORKER = "server.collections.read_worker"
LINES_AT_ONCE = 64
"""After so many lines of an answer others have their turn in the event loop."""


class Reader:
    """Reads each document in a process of its own kind; as many run as are asked at once."""

    def __init__(self, settings: Settings, *, takes_uploads: bool) -> None:
        self._settings = settings
        self._setup = {
            "takes_uploads": takes_uploads,
            "timeout_s": settings.read_timeout_s,
            "memory_mb": settings.read_memory_mb,
            "max_chars": settings.max_document_chars,
        }
        self._idle: list[Aside] = []

    async def read_upload(self, upload: Upload) -> list[Text]:
        """Return the texts of an upload.

        Raises:
            InvalidRequest: it is not a readable document, or exceeds a limit.
        """
        param = "file" if upload.is_form else "text"
        return await self._read({"content_type": upload.content_type}, upload.body, param)

    async def read_file(self, name: str, content: bytes) -> list[Text]:
        """Return the texts of a file.

        Raises:
            InvalidRequest: it is not a readable document, or exceeds a limit.
        """
        return await self._read({"file": name}, content, "file")

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _read(self, job: Mapping[str, str], content: bytes, param: str) -> list[Text]:
        aside = self._idle.pop() if self._idle else self._new()
        try:
            head = json.dumps({**job, "num_bytes": len(content)}).encode()
            texts, wrong = await aside.ask(head + b"\n" + content, _texts_and_problem)
        except Ended:
            raise InvalidRequest(
                param,
                f"the document takes longer than {self._settings.read_timeout_s:g} s or too much "
                "memory to read; split it, or have the operator raise WINNOW_READ_TIMEOUT_S or "
                "WINNOW_READ_MEMORY_MB",
            ) from None
        if wrong is not None and wrong.get("is_spent"):
            await aside.close()
        self._idle.append(aside)
        if wrong is not None:
            raise InvalidRequest(
                wrong["param"] or param, wrong["message"], HTTPStatus(wrong["status"])
            )
        return texts

    def _new(self) -> Aside:
        return Aside(WORKER, lambda: self._setup, self._settings.read_timeout_s)


async def _texts_and_problem(
    answer: asyncio.StreamReader,
) -> tuple[list[Text], Problem | None]:
    sources: list[str] = []
    pieces: list[list[Piece]] = []
    num_lines = 0
    while True:
        line = json.loads(await read_line(answer))
        num_lines += 1
        if num_lines % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
        if isinstance(line, list):
            kind, text, span, question, said = line
            pieces[-1].append(Piece(kind, text, span and tuple(span), question, said))
        elif "source" in line:
            sources.append(line["source"])
            pieces.append([])
        else:
            texts = map(Text, sources, map(tuple, pieces))
            return list(texts), line["end"]
