"""/v1/collections, in the spirit of OpenAI's vector stores. The tenant is that of the API key."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from decoding.retrieval import MAX_NAME_CHARS, MAX_PASSAGES, NAME, Kind
from retrieval.library import Library, RankedBy
from retrieval.material import Added, Collection, StoredDocument
from retrieval.reading import Text
from retrieval.search import Hit
from retrieval.store import UnknownDocument
from server.body import read_body
from server.collections.opening import open_library
from server.collections.quota import quota_of
from server.collections.reader import Reader
from server.collections.upload import Upload, read_upload
from server.connected import while_connected
from server.errors import InvalidRequest, error_response, shown
from server.gate.body import ClientLeft
from server.gate.caller import caller_of
from server.gate.refusals import Refused
from server.settings import Settings
from server.turns import FairTurns, TooManyWaiting

T = TypeVar("T")
Json = dict[str, Any]
MAX_PAGE = 1000
MAX_ID_DIGITS = 18
NUM_ADDING = 2
"""Documents that are read or stored at the same time, each of another tenant."""
MAX_UPLOADS = 16
"""Of one tenant, at work or waiting."""
RETRY_AFTER_S = 5.0

router = APIRouter(prefix="/v1/collections")


class LazyLibrary:
    """The server's library, opened by the first request that needs it.

    Documents, which may take long, are read in processes aside and stored in threads of their own,
    so that searches never wait for them; tenants take turns at both.
    """

    def __init__(self, settings: Settings) -> None:
        self.reader = Reader(settings, takes_uploads=True)
        self.turns = FairTurns(NUM_ADDING, MAX_UPLOADS)
        self.adding = ThreadPoolExecutor(NUM_ADDING, "winnow-adding")
        self._settings = settings
        self._lock = threading.Lock()
        self._library: Library | None = None

    @property
    def library(self) -> Library:
        """The library, opened when it is first needed.

        Raises:
            CollectionError: it cannot be opened; the next request tries again.
        """
        with self._lock:
            if self._library is None:
                self._library = open_library(self._settings)
            return self._library


class NewCollection(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=MAX_NAME_CHARS, pattern=NAME)
    memory: bool = False


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
        caller = caller_of(request)
        self.tenant = caller.tenant
        self.max_bytes = quota_of(caller, request.app.state.winnow_settings)

    @property
    def library(self) -> Library:
        return self._lazy.library

    async def run(self, work: Callable[[Library], T]) -> T:
        return await asyncio.to_thread(lambda: work(self._lazy.library))

    async def run_slowly(self, work: Callable[[], T]) -> T:
        """What stores documents."""
        return await asyncio.get_running_loop().run_in_executor(self._lazy.adding, work)

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Count one upload of the tenant while the context runs.

        Raises:
            Refused: the tenant has too many uploads here.
        """
        try:
            with self._lazy.turns.presence(self.tenant):
                yield
        except TooManyWaiting:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{MAX_UPLOADS} uploads of yours wait or are at work; wait until one is done",
                "file",
                RETRY_AFTER_S,
            ) from None

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self._lazy.turns.turn(self.tenant)

    async def read(self, upload: Upload) -> list[Text]:
        """Return the texts of an upload.

        Raises:
            InvalidRequest: it is not a document, or exceeds the limits of one.
        """
        return await self._lazy.reader.read_upload(upload)

    async def run_in(self, name: str, work: Callable[[Library, Collection], T]) -> T:
        """Return what `work` gives for the tenant's collection of this name.

        Raises:
            UnknownCollection: there is none.
        """
        return await self.run(lambda lib: work(lib, lib.store.collection(self.tenant, name)))


OwnDesk = Annotated[Desk, Depends(Desk)]


@router.post("")
async def create_collection(request: Request, desk: OwnDesk) -> Json:
    new = await read_body(request, NewCollection)

    def create(lib: Library) -> Json:
        made = lib.create(desk.tenant, new.name, memory=new.memory, max_bytes=desk.max_bytes)
        return _collection(lib, made)

    return await desk.run(create)


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
async def add_documents(name: str, request: Request, desk: OwnDesk) -> Response:
    """A file as multipart form (`file`), or JSON: `source` with `text` or `exemplars`."""
    with desk.uploading():
        upload = await read_upload(request)
        await desk.run_in(name, lambda lib, collection: None)  # it exists
        try:
            return await _read_and_store(desk, name, request, upload)
        except ClientLeft:
            # Nobody reads it but whoever reads the log.
            return error_response("the client left before its document was read")


async def _read_and_store(desk: Desk, name: str, request: Request, upload: Upload) -> Response:
    """Read an upload and store its texts, even if the client leaves once all is read.

    Raises:
        ClientLeft: the client left before all was read.
    """
    async with AsyncExitStack() as held:

        async def read() -> list[Text]:
            await held.enter_async_context(desk.turn())
            return await desk.read(upload)

        texts = await while_connected(request, read())

        def store() -> Response:
            library = desk.library
            collection = library.store.collection(desk.tenant, name)
            added = library.add(collection, texts, desk.tenant, max_bytes=desk.max_bytes)
            data = [_added(one) for one in added]
            return JSONResponse({"object": "list", "data": data, "has_more": False})

        return await desk.run_slowly(store)


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
async def search_collection(name: str, request: Request, desk: OwnDesk) -> Json:
    search = await read_body(request, Search)
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


def _document_id(shown_id: str) -> int:
    number = shown_id.removeprefix("doc_")
    if not (number.isascii() and number.isdigit()) or len(number) > MAX_ID_DIGITS:
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


def _added(added: Added) -> Json:
    return {
        "object": "collection.document",
        "id": f"doc_{added.document_id}",
        "source": added.source,
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
