"""How long a request may take: its `timeout_s`, or what the server allows at most.

A decoder ends softly, by `VLLMEngine`, with what was decided. A plain request is vLLM's own and is
cancelled: it costs one timer, and nothing for a token.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from openai.types.responses import ResponseErrorEvent
from pydantic import BaseModel
from starlette.types import Send
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest
from vllm.exceptions import GenerationError

from server.errors import InvalidRequest, error_response, shown
from server.gate.protocol import REPLY_BY
from server.metrics import server_metrics
from server.settings import Settings
from server.sse import DATA, DONE

FIELD = "timeout_s"
STREAMED_CODE = str(HTTPStatus.GATEWAY_TIMEOUT.value)
"""Of an error event of /v1/responses, whose codes are texts."""

Create = Callable[[Any, Request], Awaitable[Response]]  # of one of three kinds of request


class DeadlinePassed(GenerationError):  # of which vLLM's streams tell without a stack trace
    """The request's time was too short for a reply."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.status_code = HTTPStatus.GATEWAY_TIMEOUT


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time by which a request must end; `at` is by the event loop's clock.

    `is_own` says that the request itself set it.
    """

    timeout_s: float
    at: float
    is_own: bool

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.at - asyncio.get_running_loop().time())

    def passed(self, what: str) -> DeadlinePassed:
        """The error to raise, counted; `what` was not done in time."""
        limit = FIELD if self.is_own else "the server's limit"
        failure = DeadlinePassed(
            f"{what} after {self.timeout_s:g} s ({limit}); ask for fewer tokens"
            + (" or more time" if self.is_own else "")
        )
        server_metrics().count_error(failure)
        return failure

    @asynccontextmanager
    async def limit(self, what: str) -> AsyncIterator[None]:
        """Cancel what runs inside when the deadline passes.

        Raises:
            DeadlinePassed: it did; `what` says what was not done.
        """
        try:
            async with asyncio.timeout_at(self.at) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
        if limit.expired():  # also where the cancelled code answered with an error of its own
            raise self.passed(what)


def begin_deadline(request: BaseModel, raw_request: Request) -> None:
    """Set the request's deadline, which counts from now.

    Raises:
        InvalidRequest: its `timeout_s` is not a time that the server allows.
    """
    settings: Settings = raw_request.app.state.winnow_settings
    longest = settings.max_timeout_s
    given = (request.model_extra or {}).get(FIELD)
    timeout_s = longest if given is None else given
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float):
        raise _refused(timeout_s, longest)
    if not 0 < timeout_s <= longest:
        raise _refused(timeout_s, longest)
    if given is not None and getattr(request, "background", False):
        raise InvalidRequest(
            FIELD,
            f"{FIELD} has no effect on a response in the background, which nobody waits for; leave "
            f"it out, got {shown(timeout_s)}",
        )
    at = asyncio.get_running_loop().time() + timeout_s
    raw_request.state.winnow_deadline = Deadline(timeout_s, at, given is not None)
    if not getattr(request, "background", False):
        setattr(raw_request.state, REPLY_BY, at)


def _refused(timeout_s: object, longest: float) -> InvalidRequest:
    return InvalidRequest(
        FIELD,
        f"{FIELD} must be a number of seconds above 0 and at most {longest:g}, "
        f"got {shown(timeout_s)}",
    )


def deadline_of(raw_request: Request) -> Deadline:
    return cast(Deadline, raw_request.state.winnow_deadline)


def within_deadline(create: Create) -> Create:
    """One of vLLM's routes, cancelled when the deadline passes.

    It is taken out of vLLM's decorators, which shield it from being cancelled from outside.
    """
    inner = cast(Create, inspect.unwrap(create))

    async def create_in_time(request: Any, raw_request: Request) -> Response:
        if isinstance(request, ResponsesRequest) and request.background:
            return await inner(request, raw_request)
        deadline = deadline_of(raw_request)
        async with deadline.limit("the reply was not complete"):
            response = await inner(request, raw_request)
        if isinstance(response, StreamingResponse):
            return _TimedStream(
                response, deadline, has_events=isinstance(request, ResponsesRequest)
            )
        return response

    return create_in_time


class _TimedStream(StreamingResponse):
    """A stream of vLLM's that ends with an error when the deadline passes; `has_events` tells those
    of /v1/responses from chunks."""

    def __init__(self, stream: StreamingResponse, deadline: Deadline, *, has_events: bool) -> None:
        super().__init__(stream.body_iterator, stream.status_code, background=stream.background)
        self.raw_headers = stream.raw_headers
        self._deadline = deadline
        self._has_events = has_events

    async def stream_response(self, send: Send) -> None:
        last: Any = ""  # a text or bytes
        try:
            chunks = cast(AsyncGenerator[Any, None], self.body_iterator)
            # Closed, since the deadline may pass while a slow reader is waited for.
            async with self._deadline.limit("the reply was not complete"), aclosing(chunks):
                start = {"type": "http.response.start", "status": self.status_code}
                await send({**start, "headers": self.raw_headers})
                async for last in chunks:
                    body = last.encode() if isinstance(last, str) else last
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        except DeadlinePassed as failure:
            end = _error_event(failure, last) if self._has_events else _error_chunk(failure)
            await send({"type": "http.response.body", "body": end.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _error_chunk(failure: DeadlinePassed) -> str:
    error = bytes(error_response(str(failure), status=failure.status_code).body).decode()
    return f"{DATA}{error}\n\n{DONE}\n\n"


def _error_event(failure: DeadlinePassed, last: str) -> str:
    """
    Args:
        last: the event before it, whose number it follows.
    """
    number = json.loads(last.partition(DATA)[2])["sequence_number"] + 1 if last else 0
    event = ResponseErrorEvent(
        type="error", code=STREAMED_CODE, message=str(failure), param=None, sequence_number=number
    )
    return f"event: error\n{DATA}{event.model_dump_json()}\n\n"
