"""A route's work, when its client leaves or its request is given up."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

pytestmark = pytest.mark.vllm


class Client:
    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    def request(self) -> Request:
        return Request({"type": "http", "app": FastAPI()}, self.receive)


class Work:
    def __init__(self) -> None:
        self.began, self.was_cancelled = asyncio.Event(), False

    async def __call__(self, request: Any, raw_request: Request) -> Response:
        self.began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return Response()


@pytest.mark.usefixtures("vllm_environment")
async def test_request_that_is_cancelled_takes_its_work_with_it() -> None:
    from server.vllm_adapter.routes import cancellable

    work = Work()
    request = asyncio.create_task(cancellable(work)({}, Client().request()))  # type: ignore[arg-type]
    await work.began.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert work.was_cancelled


@pytest.mark.usefixtures("vllm_environment")
async def test_client_that_leaves_ends_its_work() -> None:
    from server.vllm_adapter.routes import CLIENT_LEFT, cancellable

    work, client = Work(), Client()
    request = asyncio.create_task(cancellable(work)({}, client.request()))  # type: ignore[arg-type]
    await work.began.wait()
    client.left.set()
    assert (await request).status_code == CLIENT_LEFT
    assert work.was_cancelled
