"""What the plugin adds to vLLM's app, without an engine."""

from argparse import Namespace

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import State

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


async def test_variables_are_cached_once_the_server_is_set_up(
    vllm_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uvicorn.config import HTTP_PROTOCOLS
    from vllm import envs

    from server.vllm_adapter.plugin import WinnowPlugin

    app, plugin = FastAPI(), WinnowPlugin()
    plugin.attach_router(app)
    args = Namespace(served_model_name=None, model="m", lora_modules=None, scheduling_policy="fcfs")
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])  # is put back afterwards
    envs.disable_envs_cache()
    try:
        await plugin.init_state(None, State(), args)
        assert hasattr(envs.__getattr__, "cache_info")
    finally:
        envs.disable_envs_cache()
