"""Requests without a decoder, as vLLM's own routes answer them but for how a reply becomes JSON."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from vllm.entrypoints.openai.chat_completion.api_router import (
    ENDPOINT_LOAD_METRICS_FORMAT_HEADER_LABEL,
)
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.orca_metrics import metrics_header
from vllm.entrypoints.serve.utils.sse_keep_alive import with_sse_keep_alive

from server.errors import error_response
from server.vllm_adapter.reply_json import json_response
from server.vllm_adapter.response_events import as_sse


async def create_chat_completion(request: ChatCompletionRequest, raw_request: Request) -> Response:
    serving = raw_request.app.state.openai_serving_chat
    if serving is None:
        return _not_served("chat completions")
    return await _choices(await serving.create_chat_completion(request, raw_request), raw_request)


async def create_completion(request: CompletionRequest, raw_request: Request) -> Response:
    serving = raw_request.app.state.openai_serving_completion
    if serving is None:
        return _not_served("completions")
    return await _choices(await serving.create_completion(request, raw_request), raw_request)


async def create_response(request: ResponsesRequest, raw_request: Request) -> Response:
    serving = raw_request.app.state.openai_serving_responses
    if serving is None:
        return _not_served("responses")
    result = await serving.create_responses(request, raw_request)
    if isinstance(result, ErrorResponse):
        return _failed(result)
    if isinstance(result, AsyncGenerator):
        return StreamingResponse(as_sse(result), media_type="text/event-stream")
    return await json_response(result)


async def _choices(result: Any, raw_request: Request) -> Response:  # what `create_…` gives
    if isinstance(result, ErrorResponse):
        return _failed(result)
    if isinstance(result, AsyncGenerator):
        arguments = getattr(raw_request.app.state, "args", None)
        interval_s = float(getattr(arguments, "sse_keep_alive_interval", 0))
        chunks = with_sse_keep_alive(result, interval_s)
        return StreamingResponse(chunks, media_type="text/event-stream")
    wanted = raw_request.headers.get(ENDPOINT_LOAD_METRICS_FORMAT_HEADER_LABEL, "")
    return await json_response(result, metrics_header(wanted))


def _failed(result: ErrorResponse) -> Response:
    return JSONResponse(result.model_dump(mode="json"), status_code=result.error.code)


def _not_served(what: str) -> Response:
    return error_response(f"the model has no {what}", status=HTTPStatus.NOT_IMPLEMENTED)
