"""An ASGI layer that refuses `decoding` where no decoder runs, instead of ignoring it."""

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import error_response
from server.wire import FIELD

COLLECTIONS = "/v1/collections"
DECODING_PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")


class RefuseDecodingElsewhere:
    """Answers 400 to a JSON POST that carries `decoding` on any other route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_carry_decoding(scope):
            await self._app(scope, receive, send)
            return
        messages = await _read_body(receive)
        if _carries_decoding(messages):
            message = f"{FIELD} is taken by {', '.join(DECODING_PATHS)}, not by {scope['path']}"
            await error_response(message, FIELD)(scope, receive, send)
            return
        unread = iter(messages)

        async def replay() -> Message:
            return next(unread, None) or await receive()

        await self._app(scope, replay, send)


def _may_carry_decoding(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    is_json = any(k == b"content-type" and b"json" in v.lower() for k, v in scope["headers"])
    # A document may be long, and is read by its own route, which refuses unknown keys.
    return is_json and path not in DECODING_PATHS and not path.startswith(COLLECTIONS)


async def _read_body(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _carries_decoding(messages: list[Message]) -> bool:
    body = b"".join(message.get("body", b"") for message in messages)
    if FIELD.encode() not in body:
        return False
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False  # the route itself says what is wrong with it
    return isinstance(content, dict) and FIELD in content
