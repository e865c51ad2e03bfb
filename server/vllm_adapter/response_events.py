"""The events of a streamed response: how it ends, and how it fails."""

import logging
from collections.abc import AsyncGenerator
from typing import Any, cast

from openai.types.responses import ResponseErrorEvent, ResponseIncompleteEvent
from vllm.entrypoints.openai.responses.protocol import ResponseCompletedEvent, ResponsesResponse
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.exceptions import GenerationError
from vllm.v1.engine.exceptions import EngineDeadError

from server.errors import InvalidRequest
from server.vllm_adapter.engine_death import died_reply
from server.vllm_adapter.reply_json import json_of

Events = AsyncGenerator[Any, None]  # of OpenAI's and vLLM's event models

logger = logging.getLogger(__name__)


class IncompleteEvent(ResponseIncompleteEvent):
    """`response.incomplete`, which vLLM does not send."""

    response: ResponsesResponse  # type: ignore[assignment]  # as in vLLM's own events


LAST_EVENTS = (ResponseCompletedEvent, IncompleteEvent)


def let_failures_through() -> None:
    """Have a stream's failures reach `failed_event`. vLLM makes a chunk as chat has it of some, and
    fails at that, since it is none of the events."""

    def raise_it(serving: OpenAIServingResponses, failure: GenerationError) -> str:
        raise failure

    # vLLM has no hook for it.
    cast(Any, OpenAIServingResponses)._convert_generation_error_to_streaming_response = raise_it


def ended_rightly(event: Any) -> Any:  # an event's model
    """The event; `response.incomplete` in place of a `response.completed` that was cut off."""
    if isinstance(event, ResponseCompletedEvent) and event.response.status == "incomplete":
        number = event.sequence_number
        # Constructed, since validation would copy the response.
        return IncompleteEvent.model_construct(
            type="response.incomplete", response=event.response, sequence_number=number
        )
    return event


def failed_event(failure: Exception, number: int) -> ResponseErrorEvent:
    """The event that tells of a failure."""
    if isinstance(failure, InvalidRequest):
        return error_event("invalid_prompt", failure.message, failure.param or None, number)
    if isinstance(failure, EngineDeadError):
        refusal = died_reply()
        return error_event(str(int(refusal.status)), refusal.message, None, number)
    logger.error("a streamed response failed", exc_info=failure)
    return error_event("server_error", "the server failed; its log says why", None, number)


def error_event(code: str, message: str, param: str | None, number: int) -> ResponseErrorEvent:
    return ResponseErrorEvent(
        type="error", code=code, message=message, param=param, sequence_number=number
    )


async def as_sse(events: Events) -> AsyncGenerator[str, None]:
    """The events of a plain response. One that fails ends in an error."""
    num_events = 0
    try:
        async for event in events:
            yield await sse(ended_rightly(event))
            num_events += 1
    except Exception as failure:
        yield await sse(failed_event(failure, num_events))
    finally:
        await events.aclose()


async def sse(event: Any) -> str:  # an event's model
    body = await json_of(event)
    return f"event: {getattr(event, 'type', 'unknown')}\ndata: {body}\n\n"
