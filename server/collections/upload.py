"""A document as a request brings it: a file in a form, or JSON."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from retrieval.reading import (
    MAX_EXEMPLAR_CHARS,
    Text,
    check_length,
    exemplar,
    read,
    split,
    within,
)
from server.body import parse_body
from server.collections.memory import SOURCE_PREFIX
from server.errors import InvalidRequest, shown
from server.escaping import escaped_json, has_control
from server.gate.json_text import check_json
from server.settings import Settings

MEGABYTE = 10**6
FORM = "multipart/form-data"
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
class Upload:
    """A body with what its request says it is."""

    content_type: str
    body: bytes

    @property
    def is_form(self) -> bool:
        return self.content_type.lower().startswith(FORM)


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes


async def read_upload(request: Request) -> Upload:
    """The request's body, not understood yet: a process aside does that.

    Raises:
        InvalidRequest: it is too long.
    """
    settings: Settings = request.app.state.winnow_settings
    body = await _read_whole(request, int(settings.max_document_mb * MEGABYTE))
    return Upload(request.headers.get("content-type", ""), body)


async def _read_whole(request: Request, limit: int) -> bytes:
    """Return the body of a request, in which a document may have `limit` bytes.

    Raises:
        InvalidRequest: it is longer than the limit; the rest is not read.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit + FORM_BYTES:
            raise document_too_large(limit / MEGABYTE)
        parts.append(part)
    return b"".join(parts)


def document_too_large(max_mb: float) -> InvalidRequest:
    return InvalidRequest(
        "file",
        f"a document may have {max_mb:g} MB; split it, or have the operator raise "
        "WINNOW_MAX_DOCUMENT_MB",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def texts_of_upload(upload: Upload, max_chars: int) -> list[Text]:
    """What the document holds, all of it read before anything is stored.

    Raises:
        InvalidRequest: it is no document.
        UnreadableFile: its file is none.
    """
    if upload.is_form:
        file = asyncio.run(_take_file(upload))
        texts = list(read(file.name, file.content, max_chars))
    else:
        check_json(upload.body)
        new = parse_body(upload.body, NewDocument)
        texts = list(within(_texts_said(new, max_chars), max_chars))
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


async def _take_file(upload: Upload) -> File:
    """Return the file of an uploaded form.

    Raises:
        InvalidRequest: the form cannot be read, or does not consist of one named file.
    """

    async def receive() -> Message:
        return {"type": "http.request", "body": upload.body, "more_body": False}

    head = [(b"content-type", upload.content_type.encode("latin-1"))]
    request = Request({"type": "http", "method": "POST", "headers": head}, receive)
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if set(form) != {"file"} or not isinstance(file, UploadFile) or not file.filename:
                raise InvalidRequest(
                    "file",
                    f"the form must have one file with a name, file, got {shown(list(form))}",
                )
            return File(file.filename, await file.read())
    except MultiPartException as failure:
        raise InvalidRequest("file", f"the form cannot be read: {failure.message}") from None


def _texts_said(new: NewDocument, max_chars: int) -> list[Text]:
    """Return the texts of a document given as JSON: one, or one for each exemplar.

    Raises:
        InvalidRequest: the document has both `text` and `exemplars`, or neither.
        TooMuchText: `text` has more than `max_chars` characters.
    """
    if (new.text is None) == (new.exemplars is None):
        raise InvalidRequest("text", "a document has either text or exemplars")
    if new.text is not None:
        text = check_length(new.text, max_chars)
        return [Text(new.source, split(text, is_markdown=new.source.endswith(".md")))]
    return [
        Text(new.source, (exemplar(one.question, one.solution, one.answer),))
        for one in new.exemplars or ()
    ]
