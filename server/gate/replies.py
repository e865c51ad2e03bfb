"""What leaves: every error in OpenAI's shape, short and without the server's insides, whoever made
it; and the request's id on every reply."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import Message, Send

from server.errors import MAX_MESSAGE_CHARS, error_content
from server.gate.admission import Visit
from server.gate.body import ClientLeft
from server.gate.headers import HEADER
from server.gate.validation import plain_message

MAX_ERROR_BYTES = 64 * 1024
STREAMED_ERROR = b'data: {"error"'
ANTHROPIC = "/v1/messages"
INTERNAL = "the server failed; its log says why, by the request's id"


class Replies:
    """Wraps a request's `send`. `status` is that of the reply, 0 while there is none; `is_last`
    says that the connection is closed after it."""

    def __init__(self, send: Send, path: str, request_id: str) -> None:
        self._send = send
        self._path = path
        self.request_id = request_id
        self._held: Message | None = None
        self._body = b""
        self.status = 0
        self.is_last = False
        self.visit: Visit | None = None

    @property
    def header(self) -> tuple[bytes, bytes]:
        return (HEADER, self.request_id.encode())

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._held is not None and message["type"] == "http.response.body":
            await self._add_to_error(message)
        else:
            body = message.get("body", b"")
            if body.startswith(STREAMED_ERROR):
                message = {**message, "body": _rewritten_events(body)}
            await self._out(message)

    async def _out(self, message: Message) -> None:
        """Send a message to the client.

        Raises:
            ClientLeft: the connection is closed.
        """
        try:
            await self._send(message)
        except RuntimeError as failure:
            if "closed" not in str(failure):
                raise
            raise ClientLeft from failure  # uvloop's word for it

    async def _start(self, message: Message) -> None:
        self.status = int(message["status"])
        headers = [pair for pair in message.get("headers", []) if pair[0].lower() != HEADER]
        if self.is_last:
            headers.append((b"connection", b"close"))
        message = {**message, "headers": [*headers, self.header]}
        if self.status < HTTPStatus.BAD_REQUEST:
            await self._out(message)
        else:
            self._held = message

    async def _add_to_error(self, message: Message) -> None:
        """An error is short, whoever made it: it is held until it is complete."""
        self._body = (self._body + message.get("body", b""))[:MAX_ERROR_BYTES]
        if message.get("more_body", False):
            return
        held, self._held = self._held, None
        assert held is not None
        refusal = self.visit.refusal if self.visit is not None else None
        if refusal is not None:
            self.status, self._body = int(refusal.status), refusal.reply
        status, body = rewritten(self.status, self._body, self._path)
        self.status = status
        replaced = {"content-type": "application/json", "content-length": str(len(body))}
        if refusal is not None:
            replaced |= {name.lower(): value for name, value in refusal.headers.items()}
        made = [(name.encode(), value.encode()) for name, value in replaced.items()]
        kept = [
            pair for pair in held["headers"] if pair[0].lower() not in {name for name, _ in made}
        ]
        await self._out({**held, "status": status, "headers": [*kept, *made]})
        await self._out({"type": "http.response.body", "body": body})


def rewritten(status: int, body: bytes, path: str) -> tuple[int, bytes]:
    """An error's status and body as they leave."""
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    error = _error_in(body, status)
    message = plain_message(error["message"])
    content: dict[str, Any] = error_content(  # JSON
        INTERNAL if status == HTTPStatus.INTERNAL_SERVER_ERROR else message,
        error.get("param"),
        HTTPStatus(status),
        kind=error.get("type"),
    )
    if path.startswith(ANTHROPIC):  # whose clients look for this
        content = {"type": "error", **content}
    return status, json.dumps(content).encode()


def _error_in(body: bytes, status: int) -> Mapping[str, Any]:  # JSON
    """What the body says of the error, in whichever of the usual shapes."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = {}
    said = content.get("error", content) if isinstance(content, dict) else content
    if isinstance(said, dict):
        message = said.get("message", said.get("detail"))
        if isinstance(message, str) and message:
            param, kind = said.get("param"), said.get("type")
            return {
                "message": message,
                "param": param if isinstance(param, str) else None,
                "type": kind if isinstance(kind, str) else None,
            }
    if isinstance(said, str) and said:
        return {"message": said}
    return {"message": HTTPStatus(status).phrase}


def _rewritten_events(body: bytes) -> bytes:
    """A chunk of a stream that begins with an error, which vLLM writes at any length."""
    event, separator, rest = body.partition(b"\n\n")
    try:
        content = json.loads(event.removeprefix(b"data: "))
        error = content["error"]
        message = str(error["message"])
        status = int(error.get("code") or HTTPStatus.INTERNAL_SERVER_ERROR)
    except (ValueError, RecursionError, KeyError, TypeError):
        return body
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        error["message"] = INTERNAL
    else:
        error["message"] = plain_message(message)[:MAX_MESSAGE_CHARS]
    return b"data: " + json.dumps(content).encode() + separator + rest
