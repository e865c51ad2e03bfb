"""What Winnow adds to Ray's HTTP proxy, which passes a request on before it has read its body, and
says nothing of OpenAI's errors.

Ray loads it where RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH names `layers`.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import error_content
from server.gate import protocol, routes
from server.gate.body import (
    BYTES_PER_MB,
    ClientLeft,
    check_length,
    is_announced,
    read_whole,
    replayed,
    unread,
)
from server.gate.caller import ANYBODY
from server.gate.gate import max_body_bytes, may_have_body, path_of, refuse
from server.gate.headers import HEADER, given_request_id, new_request_id
from server.gate.refusals import Refused
from server.gate.replies import Replies
from server.gate.room import Room
from server.ray_serve.affinity import PATHS, SESSION_HEADER, prefix_key
from server.settings import Settings, load_settings

RETRY_AFTER_S = 5
LOST = "the replica that had this request is gone; send the request again"
SESSION_FORM = re.compile(rb"[\x20-\x7e]{1,256}")
ORDERS = (
    b"x-request-timeout-seconds",
    b"x-request-disconnect-disabled",
    b"serve_multiplexed_model_id",
    b"serve-multiplexed-model-id",
)
"""By these a client could have Ray go on working for it after it left, or end its requests."""
EVENT_STREAM = b"text/event-stream"


def layers() -> list[Middleware]:
    """What Ray's proxy asks for before it makes its server, which takes our protocol, too."""
    settings = load_settings()
    protocol.install(settings)
    return [Middleware(ProxyLayer, settings=settings)]


class ProxyLayer:
    """Keeps conversations together, and tells in OpenAI's words when a replica was lost."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        # The replica knows whose a body is; Ray would hold it here without bound.
        self._room = Room(int(settings.max_incoming_mb * BYTES_PER_MB), 1.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = path_of(scope)
        replies = Replies(send, path, new_request_id())
        reply = _Reply(replies)
        try:
            scope, replies.request_id = _with_sound_head(scope, replies.request_id)
            head = dict(scope["headers"])
            if routes.is_open(path):
                replies.is_last, receive = is_announced(head), unread()
            elif may_have_body(scope, head):
                body = await self._read_body(scope, receive, path)
                receive = replayed(body, receive)
                if path.rstrip("/") in PATHS and scope["method"] == "POST":
                    scope = _with_session(scope, head, body)
            await self._app(scope, receive, reply)
            if not reply.is_complete:
                await _tell_of_loss(reply, scope, receive)
        except ClientLeft:
            pass
        except Refused as refusal:
            await refuse(refusal, scope, receive, replies)

    async def _read_body(self, scope: Scope, receive: Receive, path: str) -> bytes:
        """Return the whole body of a request.

        Raises:
            Refused: it is too long or too slow, or there is no room for it.
            ClientLeft: the client left before it was complete.
        """
        max_bytes = max_body_bytes(path, self._settings)
        check_length(scope, max_bytes)
        with self._room.hold(ANYBODY) as take:
            return await read_whole(receive, max_bytes, self._settings.body_timeout_s, take)


def _with_session(scope: Scope, head: Mapping[bytes, bytes], body: bytes) -> Scope:
    """The request with a session of its conversation, where its client names none."""
    header = SESSION_HEADER.encode()
    caller = head.get(b"authorization", head.get(b"x-api-key", b""))
    if header in head or not (key := prefix_key(body, caller)):
        return scope
    return {**scope, "headers": [*scope["headers"], (header, key.encode())]}


class _Reply:
    """A reply on its way from Ray. `is_streamed` says that its events are under way."""

    def __init__(self, send: Replies) -> None:
        self._send = send
        self.is_started = self.is_streamed = self.is_complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            headers = list(message.get("headers", []))
            head = {name.lower(): value for name, value in headers}
            self.is_streamed = head.get(b"content-type", b"").startswith(EVENT_STREAM)
            is_refused = message["status"] == HTTPStatus.SERVICE_UNAVAILABLE
            if is_refused and b"retry-after" not in head:
                headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
            message = {**message, "headers": headers}
        elif not message.get("more_body", False):
            self.is_complete = True
        await self._send(message)


async def _tell_of_loss(reply: _Reply, scope: Scope, receive: Receive) -> None:
    """Ray ended without a word, or in the middle: the replica died, or was not let finish."""
    lost = Refused(HTTPStatus.SERVICE_UNAVAILABLE, LOST, retry_after_s=RETRY_AFTER_S)
    if not reply.is_started:
        await refuse(lost, scope, receive, reply)
    elif reply.is_streamed:
        error = {"type": "error", **error_content(lost.message, None, lost.status)}
        event = f"event: error\ndata: {json.dumps(error)}\n\n".encode()  # all clients read this
        await reply({"type": "http.response.body", "body": event, "more_body": False})
    # What was begun otherwise stays cut off: its client sees that it is not complete.


def _with_sound_head(scope: Scope, made_id: str) -> tuple[Scope, str]:
    """What Ray can read and may obey, and the request's id: Ray and the replica take the same.

    Raises:
        Refused: Ray would fail on what it reads of it.
    """
    kept = [pair for pair in scope["headers"] if pair[0] not in ORDERS]
    head = dict(kept)
    given = given_request_id(head)
    session = head.get(SESSION_HEADER.encode())
    if session is not None and not SESSION_FORM.fullmatch(session):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            f"{SESSION_HEADER} must be 1 to 256 printable ASCII characters",
            SESSION_HEADER,
        )
    if given is None:
        kept.append((HEADER, made_id.encode()))
    return {**scope, "headers": kept}, given or made_id
