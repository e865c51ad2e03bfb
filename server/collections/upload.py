"""A document as a request brings it: a file in a form, or JSON."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.types import Message

from server.body import parse_body
from server.collections.memory import SOURCE_PREFIX
from server.collections.reading import (
    MAX_EXEMPLAR_CHARS,
    Text,
    UnreadableFile,
    exemplar,
    read,
    split,
)
from server.errors import InvalidRequest, shown
from server.escaping import escaped_json, has_control
from server.gate.json_text import check_json
from server.settings import Settings

MEGABYTE = 10**6
FORM_BYTES = 100_000
"""What a form may take beside its file."""
MAX_SOURCE_CHARS = 1000
Said = Annotated[str, Field(min_length=1, max_length=MAX_EXEMPLAR_CHARS, pattern=r"\S")]


class NewExemplar(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    question: Said
    solution: Said
    answer: Said | None = None


class NewDocument(BaseModel):
    """A text, or solved problems."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str = Field(min_length=1, max_length=MAX_SOURCE_CHARS)
    text: str | None = Field(None, min_length=1)
    exemplars: list[NewExemplar] | None = Field(None, min_length=1)


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes


async def read_document(request: Request) -> File | bytes:
    """A file of a form, or a body that is yet to be understood.

    Raises:
        InvalidRequest: it is too long, or a form with something else in it.
    """
    body = await _read_whole(request, _limit(request))
    return await _take_file(request, body) or body


def _limit(request: Request) -> int:
    settings: Settings = request.app.state.winnow_settings
    return int(settings.max_document_mb * MEGABYTE)


async def _read_whole(request: Request, limit: int) -> bytes:
    """Raises InvalidRequest: it is longer than the limit; the rest is not read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit + FORM_BYTES:
            raise InvalidRequest(
                "file",
                f"a document may have {limit / MEGABYTE:g} MB; split it, or have the operator "
                "raise WINNOW_MAX_DOCUMENT_MB",
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        parts.append(part)
    return b"".join(parts)


async def _take_file(request: Request, body: bytes) -> File | None:
    """The file of a multipart form; None where the body is none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, receive).form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if set(form) != {"file"} or not isinstance(file, UploadFile) or not file.filename:
            raise InvalidRequest(
                "file", f"the form must have one file with a name, file, got {shown(list(form))}"
            )
        return File(file.filename, await file.read())


def texts_of(new: File | bytes) -> list[Text]:
    """What the document holds, all of it read before anything is stored.

    Raises:
        InvalidRequest: it is no document.
    """
    if isinstance(new, File):
        try:
            texts = list(read(new.name, new.content))
        except UnreadableFile as failure:
            raise InvalidRequest("file", str(failure)) from failure
    else:
        check_json(new)
        texts = _texts_said(parse_body(new, NewDocument))
    saying = [text for text in texts if text.pieces]
    if not saying:
        raise InvalidRequest("text", "the document says nothing")
    for text in saying:
        if text.source.startswith(SOURCE_PREFIX):
            raise InvalidRequest(
                "source", f'source must not begin with "{SOURCE_PREFIX}", which names replies'
            )
        if len(text.source) > MAX_SOURCE_CHARS:
            raise InvalidRequest("source", f"source may have {MAX_SOURCE_CHARS} characters")
        if has_control(text.source):
            raise InvalidRequest(
                "source",
                "source must not have control characters, such as line feeds, tabs and escapes, "
                f"got {escaped_json(shown(text.source))}; name the document by printable ones",
            )
    return saying


def _texts_said(new: NewDocument) -> list[Text]:
    if (new.text is None) == (new.exemplars is None):
        raise InvalidRequest("text", "a document has either text or exemplars")
    if new.text is not None:
        return [Text(new.source, split(new.text, is_markdown=new.source.endswith(".md")))]
    return [
        Text(new.source, (exemplar(one.question, one.solution, one.answer),))
        for one in new.exemplars or ()
    ]
