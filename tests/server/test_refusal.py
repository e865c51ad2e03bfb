import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.refusal import COUNTING_PATHS, DECODING_PATHS, RefuseDecodingElsewhere
from server.wire import split_alias

ELSEWHERE = ("/v1/messages", "/v1/embeddings", "/v1/chat/completions/batch", *COUNTING_PATHS)
COT = {"strategy": "cot_decoding"}


async def echo(request: Request) -> Response:
    body = await request.body()
    assert int(request.headers["content-length"]) == len(body)
    return Response(body)


async def split(model: str) -> tuple[str, str | None]:
    return split_alias(model, {"pocket"})


ROUTES = [Route("/{path:path}", echo, methods=["POST"])]
APP = RefuseDecodingElsewhere(Starlette(routes=ROUTES), split)


async def post(path: str, content: Any, kind: str = "application/json") -> httpx.Response:  # JSON
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.post(path, content=body, headers={"content-type": kind})


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("field", ["decoding", "timeout_s", "Decoding", "strategy", "timeout"])
async def test_what_would_be_ignored_is_refused(path: str, field: str) -> None:
    reply = await post(path, {"model": "pocket", field: COT})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == field


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_null_is_as_if_it_were_absent(path: str) -> None:
    body = {"model": "pocket", "decoding": None, "timeout_s": None, "decoder": None}
    assert (await post(path, body)).json() == body


@pytest.mark.parametrize("path", COUNTING_PATHS)
async def test_alias_is_counted_as_its_model(path: str) -> None:
    body = {"model": "pocket:cot_decoding", "prompt": "\u00e4 🦆"}
    assert (await post(path, body)).json() == {**body, "model": "pocket"}


@pytest.mark.parametrize("path", sorted(set(ELSEWHERE) - set(COUNTING_PATHS)))
async def test_alias_is_told_where_decoders_run(path: str) -> None:
    reply = await post(path, {"model": "pocket:cot_decoding"})
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["param"] == "model"
    assert all(part in error["message"] for part in (*DECODING_PATHS, path, 'ask for "pocket"'))


@pytest.mark.parametrize(
    "model", ["pocket", "pocket:beam", "nope:greedy", "nope", 5, None, ["a:b"]]
)
@pytest.mark.parametrize("path", ELSEWHERE)
async def test_other_models_are_the_routes_own_affair(path: str, model: object) -> None:
    assert (await post(path, {"model": model})).json() == {"model": model}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"5", b"\xff", b'"decoding"'])
async def test_what_is_no_object_is_the_routes_own_affair(body: bytes) -> None:
    assert (await post("/v1/messages", body)).content == body


@pytest.mark.parametrize(
    "path", [*DECODING_PATHS, "/v1/collections/a/documents", "/collective_rpc"]
)
async def test_routes_that_know_the_fields_are_left_alone(path: str) -> None:
    body = {"model": "pocket:greedy", "decoding": COT, "timeout": 5}
    assert (await post(path, body)).json() == body


async def test_other_content_is_left_alone() -> None:
    assert (await post("/v1/messages", b'{"decoding": 1}', "text/plain")).status_code == 200
