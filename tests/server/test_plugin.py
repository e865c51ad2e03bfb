"""What the plugin adds to vLLM's app, without an engine."""

import httpx
import pytest
from fastapi import FastAPI

from decoding.engine import PathAborted

pytestmark = pytest.mark.vllm


async def test_path_that_the_engine_gave_up_is_a_503_to_try_again(vllm_environment: None) -> None:
    from server.vllm_adapter.plugin import WinnowPlugin

    app = FastAPI()
    WinnowPlugin().attach_router(app)

    @app.get("/given-up")
    def give_up() -> None:
        raise PathAborted("the engine stopped before the path's end")

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        reply = await http.get("/given-up")
    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert reply.json()["error"] == {
        "message": "the engine stopped before the path's end; try again",
        "type": "InternalServerError",
        "param": None,
        "code": 503,
    }
