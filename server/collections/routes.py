"""/v1/collections, in the spirit of OpenAI's vector stores. The tenant is that of the API key."""

import asyncio
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from decoding.retrieval import MAX_NAME_CHARS, MAX_PASSAGES, NAME, Kind
from server.collections.library import Library, RankedBy
from server.collections.material import Added, Collection, StoredDocument
from server.collections.opening import open_library
from server.collections.reading import Text, UnreadableFile, exemplar, read, split
from server.collections.search import Hit
from server.collections.store import UnknownDocument
from server.collections.tenancy import tenant_of
from server.errors import InvalidRequest, shown
from server.settings import Settings

T = TypeVar("T")
Json = dict[str, Any]
MAX_PAGE = 1000
MEGABYTE = 10**6

router = APIRouter(prefix="/v1/collections")


class LazyLibrary:
    """The server's library, opened by the first request that needs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._library: Library | None = None

    @property
    def library(self) -> Library:
        """Raises CollectionError: it cannot be opened; the next request tries again."""
        with self._lock:
            if self._library is None:
                self._library = open_library(self._settings)
            return self._library


class NewCollection(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=MAX_NAME_CHARS, pattern=NAME)
    memory: bool = False


class NewExemplar(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    question: str = Field(min_length=1)
    solution: str = Field(min_length=1)
    answer: str | None = None


class NewDocument(BaseModel):
    """A text, or solved problems."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str = Field(min_length=1, max_length=1000)
    text: str | None = Field(None, min_length=1)
    exemplars: list[NewExemplar] | None = Field(None, min_length=1)


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    query: str = Field(min_length=1, max_length=100_000)
    max_num_results: int = Field(10, ge=1, le=MAX_PASSAGES)
    score_threshold: float | None = Field(None, ge=0, le=1)
    kinds: list[Kind] = Field(["passage", "exemplar"], min_length=1)
    """Each gives at most `max_num_results`."""
    ranking: RankedBy = "hybrid"


class Desk:
    """One request's way to the collections of its tenant."""

    def __init__(self, request: Request) -> None:
        self._lazy: LazyLibrary = request.app.state.winnow_library
        self.tenant = tenant_of(request.headers.get("authorization"))

    async def run(self, work: Callable[[Library], T]) -> T:
        return await asyncio.to_thread(lambda: work(self._lazy.library))

    async def run_in(self, name: str, work: Callable[[Library, Collection], T]) -> T:
        """Raises UnknownCollection."""
        return await self.run(lambda lib: work(lib, lib.store.collection(self.tenant, name)))


OwnDesk = Annotated[Desk, Depends(Desk)]


@router.post("")
async def create_collection(new: NewCollection, desk: OwnDesk) -> Json:
    return await desk.run(
        lambda lib: _collection(lib, lib.create(desk.tenant, new.name, memory=new.memory))
    )


@router.get("")
async def list_collections(desk: OwnDesk) -> Json:
    def work(lib: Library) -> list[Json]:
        return [_collection(lib, one) for one in lib.store.collections(desk.tenant)]

    return {"object": "list", "data": await desk.run(work), "has_more": False}


@router.get("/{name}")
async def get_collection(name: str, desk: OwnDesk) -> Json:
    return await desk.run_in(name, _collection)


@router.delete("/{name}")
async def delete_collection(name: str, desk: OwnDesk) -> Json:
    await desk.run_in(name, lambda lib, collection: lib.store.delete(collection))
    return {"object": "collection.deleted", "id": name, "deleted": True}


@router.post("/{name}/documents")
async def add_documents(name: str, request: Request, desk: OwnDesk) -> Json:
    """A file as multipart form (`file`), or JSON: `source` with `text` or `exemplars`."""
    texts = await _texts(request)
    added = await desk.run_in(
        name, lambda lib, collection: list(lib.add(collection, texts, desk.tenant))
    )
    return {
        "object": "list",
        "data": [_added(text, one) for text, one in zip(texts, added, strict=True)],
        "has_more": False,
    }


@router.get("/{name}/documents")
async def list_documents(
    name: str,
    desk: OwnDesk,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    after: str | None = None,
) -> Json:
    begin = _document_id(after) if after is not None else 0
    page = await desk.run_in(
        name, lambda lib, collection: lib.store.documents(collection, limit + 1, begin)
    )
    data = [_document(one) for one in page[:limit]]
    return {"object": "list", "data": data, "has_more": len(page) > limit}


@router.delete("/{name}/documents")
async def delete_documents(
    name: str, desk: OwnDesk, source: str | None = None, key: str | None = None
) -> Json:
    if source is None and key is None:
        raise InvalidRequest("source", "source or key must say which documents are to be deleted")
    num_deleted = await desk.run_in(
        name,
        lambda lib, collection: lib.store.delete_documents(collection, source=source, key=key),
    )
    return {"object": "collection.documents.deleted", "num_deleted": num_deleted}


@router.delete("/{name}/documents/{document_id}")
async def delete_document(name: str, document_id: str, desk: OwnDesk) -> Json:
    number = _document_id(document_id)

    def work(lib: Library, collection: Collection) -> None:
        if not lib.store.delete_documents(collection, document_id=number):
            raise UnknownDocument(f'there is no document "{document_id}" in "{name}"')

    await desk.run_in(name, work)
    return {"object": "collection.document.deleted", "id": document_id, "deleted": True}


@router.post("/{name}/search")
async def search_collection(name: str, search: Search, desk: OwnDesk) -> Json:
    hits, floor = await desk.run_in(
        name,
        lambda lib, collection: lib.search(
            collection,
            search.query,
            dict.fromkeys(search.kinds, search.max_num_results),
            search.score_threshold,
            search.ranking,
        ),
    )
    return {
        "object": "collection.search_results.page",
        "search_query": search.query,
        "score_threshold": floor,
        "data": [_hit(hit) for hit in hits],
        "has_more": False,
    }


async def _texts(request: Request) -> list[Text]:
    """What the body holds, all of it read before anything is stored.

    Raises:
        InvalidRequest: it is no document, or too large.
    """
    settings: Settings = request.app.state.winnow_settings
    limit = int(settings.max_document_mb * MEGABYTE)
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit + MEGABYTE // 10:
        raise _too_large(int(length), settings)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise InvalidRequest("file", "file must be a file with a name")
            content = await file.read(limit + 1)
            name = file.filename
        if len(content) > limit:
            raise _too_large(len(content), settings)
        texts = await _read_file(name, content)
    else:
        body = await request.body()
        if len(body) > limit:
            raise _too_large(len(body), settings)
        texts = _texts_of(_new_document(body))
    saying = [text for text in texts if text.pieces]
    if not saying:
        raise InvalidRequest("text", "the document says nothing")
    return saying


async def _read_file(name: str, content: bytes) -> list[Text]:
    try:
        return await asyncio.to_thread(lambda: list(read(name, content)))
    except UnreadableFile as failure:
        raise InvalidRequest("file", str(failure)) from failure


def _new_document(body: bytes) -> NewDocument:
    try:
        return NewDocument.model_validate_json(body)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        name = ".".join(map(str, error["loc"])) or "body"
        got = "" if name == "body" else f", got {shown(error['input'])}"
        raise InvalidRequest(name, f"{name}: {error['msg']}{got}") from None


def _texts_of(new: NewDocument) -> list[Text]:
    if (new.text is None) == (new.exemplars is None):
        raise InvalidRequest("text", "a document has either text or exemplars")
    if new.text is not None:
        return [Text(new.source, split(new.text, is_markdown=new.source.endswith(".md")))]
    return [
        Text(new.source, (exemplar(one.question, one.solution, one.answer),))
        for one in new.exemplars or ()
    ]


def _too_large(num_bytes: int, settings: Settings) -> InvalidRequest:
    return InvalidRequest(
        "file",
        f"a document may have {settings.max_document_mb:g} MB, got {num_bytes / MEGABYTE:.1f}; "
        "split it, or have the operator raise WINNOW_MAX_DOCUMENT_MB",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _document_id(shown_id: str) -> int:
    number = shown_id.removeprefix("doc_")
    if not number.isdecimal() or len(number) > 18:
        raise InvalidRequest("document_id", f"document ids read doc_12, got {shown(shown_id)}")
    return int(number)


def _collection(lib: Library, collection: Collection) -> Json:
    return {
        "object": "collection",
        "id": collection.name,
        "name": collection.name,
        "created_at": collection.created_at,
        "embedder": collection.embedder,
        "memory": collection.memory,
        "num_records": lib.store.count(collection),
    }


def _added(text: Text, added: Added) -> Json:
    return {
        "object": "collection.document",
        "id": f"doc_{added.document_id}",
        "source": text.source,
        "num_records": added.num_records,
        "is_new": added.is_new,
    }


def _document(document: StoredDocument) -> Json:
    return {
        "object": "collection.document",
        "id": f"doc_{document.id}",
        "source": document.source,
        "key": document.key,
        "status": document.status,
        "num_records": document.num_records,
        "created_at": document.created_at,
    }


def _hit(hit: Hit) -> Json:
    passage = hit.passage()
    return {
        "id": passage.id,
        "kind": passage.kind,
        "source": passage.source,
        "score": passage.score,
        "span": passage.span,
        "question": passage.question,
        "text": passage.text,
    }
