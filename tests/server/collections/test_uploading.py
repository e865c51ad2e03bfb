"""Uploads over HTTP without an engine: whose turn it is, and what becomes of those who leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.store import CollectionError
from server.collections.routes import MAX_UPLOADS, LazyLibrary, router
from server.errors import COLLECTION_STATUS, InvalidRequest, error_response
from server.gate.caller import CALLER, Caller
from server.gate.refusals import Refused
from server.settings import Settings
from tests.retrieval.pdfs import slow_pdf

DOCUMENTS = "/v1/collections/facts/documents"


class Door:
    """In place of the gate: the header `tenant` says who it is; a client may leave early."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            tenant = dict(scope["headers"]).get(b"tenant", b"a").decode()
            scope.setdefault("state", {})[CALLER] = Caller(tenant, tenant)
        is_whole = False

        async def receive_or_leave() -> Message:
            nonlocal is_whole
            if is_whole:
                await self.leave.wait()
                return {"type": "http.disconnect"}
            message = await receive()
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_or_leave, send)


async def _refuse(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, InvalidRequest)
    headers = failure.headers if isinstance(failure, Refused) else None
    return error_response(failure.message, failure.param, failure.status, headers)


async def _tell(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, CollectionError)
    return error_response(str(failure), None, COLLECTION_STATUS[type(failure)])


class Server:
    def __init__(self, **settings: object) -> None:
        app = FastAPI()
        app.include_router(router)
        app.add_exception_handler(InvalidRequest, _refuse)
        app.add_exception_handler(CollectionError, _tell)
        app.state.winnow_settings = Settings.model_validate(settings)
        self.lazy = app.state.winnow_library = LazyLibrary(app.state.winnow_settings)
        self.door = Door(app)
        transport = httpx.ASGITransport(app=self.door)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://server", timeout=60)

    async def upload(
        self, name: str, content: bytes | AsyncIterator[bytes], tenant: str = "a"
    ) -> httpx.Response:
        if isinstance(content, bytes):
            files = {"file": (name, content)}
            return await self.http.post(DOCUMENTS, files=files, headers={"tenant": tenant})
        return await self.http.post(DOCUMENTS, content=content, headers={"tenant": tenant})


@asynccontextmanager
async def running(**settings: object) -> AsyncIterator[Server]:
    server = Server(**settings)
    for tenant in ("a", "b"):
        made = await server.http.post(
            "/v1/collections", json={"name": "facts"}, headers={"tenant": tenant}
        )
        assert made.status_code == httpx.codes.OK
    yield server
    await server.http.aclose()
    await server.lazy.reader.close()
    server.lazy.library.close()
    server.lazy.adding.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "collections.sqlite3")


async def test_slow_document_holds_up_its_tenant_alone_and_ends_with_its_client(
    store: str,
) -> None:
    async with running(store=store, read_timeout_s=3600) as server:
        slow = [asyncio.create_task(server.upload("a.pdf", slow_pdf(2_000_000))) for _ in range(3)]
        reply = await server.upload("b.txt", b"The market is 5 miles away.", "b")
        assert reply.status_code == httpx.codes.OK
        assert not any(one.done() for one in slow)
        server.door.leave.set()
        for reply in await asyncio.gather(*slow):
            assert "the client left" in reply.json()["error"]["message"]
        server.door.leave.clear()
        reply = await server.upload("a.txt", b"A kite costs 52 dollars.")
        assert reply.status_code == httpx.codes.OK


async def test_tenant_with_too_many_uploads_is_told_to_come_again(store: str) -> None:
    go_on, all_here, num_here = asyncio.Event(), asyncio.Event(), 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal num_here
        num_here += 1
        if num_here == MAX_UPLOADS:
            all_here.set()
        await go_on.wait()
        yield b'{"source": "a", "text": "Hi."}'

    async with running(store=store) as server:
        waiting = [asyncio.create_task(server.upload("", body())) for _ in range(MAX_UPLOADS)]
        await all_here.wait()
        refused = await server.upload("a.txt", b"Hi.")
        assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"]["message"].startswith(f"{MAX_UPLOADS} uploads of yours")
        assert (await server.upload("b.txt", b"Hi.", "b")).status_code == httpx.codes.OK
        go_on.set()
        assert {reply.status_code for reply in await asyncio.gather(*waiting)} == {200}


async def test_document_for_no_collection_is_not_read(store: str) -> None:
    async with running(store=store) as server:
        reply = await server.http.post("/v1/collections/nope/documents", content=b"{}")
        assert reply.status_code == httpx.codes.NOT_FOUND
        assert server.lazy.reader._idle == []
