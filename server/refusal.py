"""An ASGI layer for the routes where no decoder runs: what asks for one is refused, not ignored."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import InvalidRequest, error_response, shown
from server.gate.routes import ADMIN
from server.misspelt import TIMEOUT, refuse_misspelt
from server.wire import FIELD

COLLECTIONS = "/v1/collections"
DECODING_PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
COUNTING_PATHS = ("/tokenize", "/detokenize", "/v1/messages/count_tokens")
"""These say how a model reads a text: by whichever of its names it is asked."""

Json = dict[str, Any]
Split = Callable[[str], Awaitable[tuple[str, str | None]]]
"""Takes a decoder off the name of a model."""


class RefuseDecodingElsewhere:
    """Answers 400 to a JSON POST that asks for a decoder, or a deadline, on any other route."""

    def __init__(self, app: ASGIApp, split: Split) -> None:
        self._app = app
        self._split = split

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_ask(scope):
            await self._app(scope, receive, send)
            return
        path = _path(scope)
        messages = await _read_body(receive)
        content = _content(messages)
        try:
            _refuse_fields(content, path)
            model = await self._model(content, path)
        except InvalidRequest as refusal:
            await error_response(refusal.message, refusal.param)(scope, receive, send)
            return
        if model is not None:
            body = json.dumps({**content, "model": model}).encode()
            scope = {**scope, "headers": _with_length(scope, len(body))}
            messages = [{"type": "http.request", "body": body}]
        unread = iter(messages)

        async def replay() -> Message:
            return next(unread, None) or await receive()

        await self._app(scope, replay, send)

    async def _model(self, content: Json, path: str) -> str | None:
        """The model to put in place of the alias that the request names, if it names one.

        Raises:
            InvalidRequest: the route would answer without the decoder.
        """
        named = content.get("model")
        if not isinstance(named, str) or ":" not in named:
            return None
        model, strategy = await self._split(named)
        if strategy is None:
            return None
        if path not in COUNTING_PATHS:
            raise InvalidRequest(
                "model",
                f"model {shown(named)} asks for a decoder, which runs on "
                f"{', '.join(DECODING_PATHS)}; on {path} ask for {shown(model)}",
            )
        return model


def _refuse_fields(content: Json, path: str) -> None:
    for field in (FIELD, TIMEOUT):
        if content.get(field) is not None:
            raise InvalidRequest(
                field, f"{field} is taken by {', '.join(DECODING_PATHS)}, not by {path}"
            )
    refuse_misspelt(content)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _may_ask(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path = _path(scope)
    is_json = any(k == b"content-type" and b"json" in v.lower() for k, v in scope["headers"])
    # A document may be long, and is read by its own route, which refuses unknown keys; those of
    # admins know fields such as `timeout`.
    is_elsewhere = path not in DECODING_PATHS and path not in ADMIN
    return is_json and is_elsewhere and not path.startswith(COLLECTIONS)


async def _read_body(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _content(messages: list[Message]) -> Json:
    """The body's fields; none of what is no JSON object: the route itself says what is wrong."""
    try:
        content: Any = json.loads(b"".join(message.get("body", b"") for message in messages))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _with_length(scope: Scope, length: int) -> list[tuple[bytes, bytes]]:
    kept = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
