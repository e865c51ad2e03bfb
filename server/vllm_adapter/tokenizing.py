"""/tokenize and /detokenize as vLLM answers them, with long answers built beside the event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.tokenize.protocol import (
    DetokenizeRequest,
    TokenizeRequest,
)
from vllm.entrypoints.serve.utils.api_utils import validate_json_request, with_cancellation

from server.vllm_adapter.large_replies import MAX_ON_LOOP, build_aside

Create = Callable[[Any, Request], Coroutine[Any, Any, Any]]  # of vLLM's serving object

router = APIRouter(dependencies=[Depends(validate_json_request)])


@router.post("/tokenize")
@with_cancellation  # type: ignore[untyped-decorator]  # vLLM leaves it untyped
async def tokenize(request: TokenizeRequest, raw_request: Request) -> Response:
    serving = raw_request.app.state.serving_tokenization
    return await _answered(serving.create_tokenize, request, raw_request)


@router.post("/detokenize")
@with_cancellation  # type: ignore[untyped-decorator]  # likewise
async def detokenize(request: DetokenizeRequest, raw_request: Request) -> Response:
    serving = raw_request.app.state.serving_tokenization
    return await _answered(serving.create_detokenize, request, raw_request)


async def _answered(create: Create, request: Any, raw_request: Request) -> Response:
    if len(await raw_request.body()) <= MAX_ON_LOOP:
        return _written(await create(request, raw_request))
    # vLLM's serving object looks the pieces up where it runs.
    return await build_aside(lambda: _written(asyncio.run(create(request, raw_request))))


def _written(result: Any) -> Response:  # what `create` gives
    if isinstance(result, ErrorResponse):
        return JSONResponse(result.model_dump(), status_code=result.error.code)
    return Response(result.model_dump_json(), media_type="application/json")
