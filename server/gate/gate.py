"""The outermost layer: whoever is let past it has a key, asks for a route that there is, in a form
that can be read, and not for more than the key may have. What comes back has an id and, when it is
an error, OpenAI's shape."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from server.collections.upload import document_too_large
from server.errors import InvalidRequest, error_response, shown
from server.gate import headers, priority, routes
from server.gate.access_log import LogEntry
from server.gate.admission import Admission
from server.gate.body import (
    BYTES_PER_MB,
    ClientLeft,
    check_length,
    is_announced,
    read_whole,
    replayed,
    unread,
    until_silent,
)
from server.gate.caller import CALLER, Caller
from server.gate.content_type import check_content_type
from server.gate.json_text import check_json, without_mark
from server.gate.keyring import Keyring, token_of
from server.gate.origins import Origins
from server.gate.refusals import Refused
from server.gate.replies import Replies
from server.gate.room import Room
from server.settings import Settings

AUDIO = "/v1/audio/"
DOCUMENTS = "/v1/collections/"
UPLOADS = (DOCUMENTS, AUDIO)
"""Routes that check their bodies themselves, and may take long ones."""
BODILESS = ("GET", "HEAD", "OPTIONS")
"""Methods that have a body only if they announce it."""
POLICY_VIOLATION = 1008
CAN_REFUSE = "websocket.http.response"
"""The extension of ASGI by which a websocket is refused with a reply."""


class Gate:
    """`base_model` is the name that a request means which names no model; `split` takes a decoder
    off the name of a model. `max_priority` is 0 where the engine schedules without priorities."""

    def __init__(
        self,
        app: ASGIApp,
        keyring: Keyring,
        settings: Settings,
        base_model: str,
        split: Callable[[str], tuple[str, str | None]],
        origins: Origins,
        max_priority: int = priority.MAX_PRIORITY,
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._settings = settings
        self._base_model = base_model
        self._split = split
        self._origins = origins
        self._max_priority = max_priority
        # Tenants of a server without keys are names that anybody makes up.
        share = 1.0 if keyring.is_open else settings.max_tenant_share
        self._admission = Admission(settings.max_requests, share)
        self._room = Room(int(settings.max_incoming_mb * BYTES_PER_MB), share)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve_http(self._as_routed(scope), receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(self._as_routed(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        path = path_of(scope)
        head = dict(scope["headers"])
        entry = LogEntry(scope["method"], path)
        if scope["method"] == "HEAD":  # FastAPI's routes know it not; uvicorn leaves the body out
            scope = {**scope, "method": "GET"}
        replies: Replies | None = None
        try:
            try:
                given = headers.given_request_id(head)
            except Refused as refusal:
                replies = Replies(send, path, headers.new_request_id())
                raise refusal from None
            replies = Replies(send, path, given or headers.new_request_id())
            entry.request_id = replies.request_id
            headers.check_single(scope)
            scope = headers.with_engine_id(scope, given, replies.request_id)
            headers.check_size(scope)
            headers.check_expectation(scope)
            priority.check_header(head, self._max_priority)
            if not routes.is_open(path):
                self._origins.check(head)
            caller = self._caller(scope, path, head)
            entry.key = caller.name
            scope.setdefault("state", {})[CALLER] = caller
            if routes.is_open(path) or is_preflight(scope, head):
                replies.is_last = is_announced(head)
                _check_method(scope, path, head)
                await self._app(scope, unread(), replies)
                return
            self._admission.check(caller)
            body = await self._read_body(scope, receive, path, head, caller)
            with self._admission.visit(caller) as visit:
                entry.visit = replies.visit = visit
                body = self._checked_body(body, path, head, caller)
                receive = receive if body is None else replayed(body, receive)
                await self._app(scope, receive, replies)
        except ClientLeft:
            pass
        except InvalidRequest as refusal:
            assert replies is not None
            if replies.status:
                raise  # in the middle of a reply there is nothing to be said any more
            await refuse(refusal, scope, receive, self._origins.readable(replies, head))
        finally:
            entry.end(replies.status if replies else 0, time.perf_counter() - began)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers.check_size(scope)
            headers.check_single(scope)
            self._origins.check(dict(scope["headers"]))
            caller = self._caller(scope, path_of(scope), dict(scope["headers"]))
            scope.setdefault("state", {})[CALLER] = caller
            if caller.key is not None and caller.key.models is not None:
                raise _cannot_tell_model(caller, path_of(scope))
            with self._admission.visit(caller):
                longest = self._settings.max_timeout_s
                await self._app(scope, until_silent(receive, longest), send)
        except Refused as refusal:
            if CAN_REFUSE in scope.get("extensions", {}):
                await refuse(refusal, scope, receive, send)
                return
            await send(
                {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.message}
            )

    def _as_routed(self, scope: Scope) -> Scope:
        """The request under the path that its route is known by, before anything is decided on it.

        A redirect instead would have some clients repeat a POST as a GET, or without their key.
        """
        path = path_of(scope)
        routed = routes.without_slash(path, self._settings.extra_routes)
        if routed == path:
            return scope
        return {**scope, "path": scope["path"].removesuffix(path) + routed}

    def _caller(self, scope: Scope, path: str, head: headers.Head) -> Caller:
        """Return the caller of the request's key.

        Raises:
            Refused: the key is missing or unknown, its role may not use the route, or there is no
                such route or method.
        """
        if routes.is_open(path) or is_preflight(scope, head):
            return self._keyring.find(None) or Caller("probe", "public")
        caller = self._keyring.find(token_of(head.get(b"authorization")) or _anthropic_key(head))
        if caller is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "no valid key: send one as the header Authorization: Bearer KEY",
            )
        extra = self._settings.extra_routes
        if not routes.is_known(path, extra):
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no route {shown(path)}")
        if not routes.takes(path, scope.get("method", "GET")):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is read by GET")
        if not routes.may_use(caller.role, path, extra):
            needed = "user" if caller.role == "monitor" else "admin"
            raise Refused(HTTPStatus.FORBIDDEN, f"{path} needs a key of the role {needed}")
        return caller

    async def _read_body(
        self, scope: Scope, receive: Receive, path: str, head: headers.Head, caller: Caller
    ) -> bytes | None:
        """The body, whole; None if the request can have none.

        Raises:
            Refused: it is too long or too slow, or there is no room for it.
            ClientLeft: it never was complete.
        """
        if not may_have_body(scope, head):
            return None
        check_content_type(path, head, self._settings.extra_routes)
        if caller.key is not None and caller.key.models is not None and path.startswith(AUDIO):
            raise _cannot_tell_model(caller, path)
        max_bytes = max_body_bytes(path, self._settings)
        try:
            check_length(scope, max_bytes)
            with self._room.hold(caller) as take:
                return await read_whole(receive, max_bytes, self._settings.body_timeout_s, take)
        except Refused as refusal:
            if refusal.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE and path.startswith(DOCUMENTS):
                raise document_too_large(self._settings.max_document_mb) from None
            raise

    def _checked_body(
        self, body: bytes | None, path: str, head: headers.Head, caller: Caller
    ) -> bytes | None:
        """The body, as its route may read it.

        Raises:
            InvalidRequest: it is no JSON, or names a model that its key may not use.
        """
        if body is None or path.startswith(UPLOADS):
            return body
        if not head.get(b"content-type", b"").startswith(b"multipart/"):
            body = without_mark(body)
            check_json(body)
            priority.check_body(body, self._max_priority)
        models = caller.key.models if caller.key is not None else None
        if models is not None and routes.names_model(path):
            self._check_model(body, caller, models)
        return body

    def _check_model(self, body: bytes, caller: Caller, allowed: tuple[str, ...]) -> None:
        """Check that a key may use the models that the request names, or means by naming none.

        Raises:
            Refused: one of them is not in `allowed`, the key's models.
        """
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return  # the route refuses it
        named = content.get("model") if isinstance(content, dict) else None
        if named is None:
            named = self._base_model
        ensemble = content.get("decoding") if isinstance(content, dict) else None
        for model in (named, *_models_in(ensemble)):
            if not isinstance(model, str) or self._split(model)[0] not in allowed:
                raise Refused(
                    HTTPStatus.FORBIDDEN,
                    f"the key {caller.name} may use the models {', '.join(allowed)}, got "
                    f"{shown(model)}",
                    "model",
                )


def path_of(scope: Scope) -> str:
    """The request's path as the router sees it, without the root path."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def max_body_bytes(path: str, settings: Settings) -> int:
    """What a body may have at most. A route of uploads knows how long a document may be; this is
    what holds for those that do not."""
    is_upload = path.startswith(UPLOADS)
    max_mb = 2 * settings.max_document_mb if is_upload else settings.max_body_mb
    return int(max_mb * BYTES_PER_MB)


def may_have_body(scope: Scope, head: headers.Head) -> bool:
    return scope["method"] not in BODILESS or is_announced(head)


def is_preflight(scope: Scope, head: headers.Head) -> bool:
    """A browser asks whether it may ask; the CORS layer answers that itself."""
    return (
        scope.get("method") == "OPTIONS"
        and b"origin" in head
        and b"access-control-request-method" in head
    )


def _check_method(scope: Scope, path: str, head: headers.Head) -> None:
    """Check that an open route, or the CORS layer behind it, answers the request's method.

    Raises:
        Refused: the method is not answered there.
    """
    if scope["method"] != "GET" and not is_preflight(scope, head):
        raise Refused(
            HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is read by GET or HEAD", allow="GET, HEAD"
        )


async def refuse(refusal: InvalidRequest, scope: Scope, receive: Receive, send: Send) -> None:
    extra = refusal.headers if isinstance(refusal, Refused) else None
    reply = error_response(refusal.message, refusal.param or None, refusal.status, extra)
    if refusal.status in (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ):
        reply.headers["Connection"] = "close"  # the rest is not waited for
    await reply(scope, receive, send)


def _cannot_tell_model(caller: Caller, path: str) -> Refused:
    """The refusal of a key that is held to some models, on a route whose requests name their model
    late or in a form."""
    return Refused(
        HTTPStatus.FORBIDDEN, f"the key {caller.name} is held to some models and may not use {path}"
    )


def _anthropic_key(head: headers.Head) -> str | None:
    """Anthropic's clients have a header of their own."""
    given = head.get(b"x-api-key")
    return given.decode("latin-1") if given else None


def _models_in(decoding: Any) -> tuple[Any, ...]:  # any JSON
    """Those that an ensemble names, at whatever depth."""
    found: tuple[Any, ...] = ()
    while isinstance(decoding, dict):
        models = decoding.get("models")
        found += tuple(models) if isinstance(models, list) else ()
        decoding = decoding.get("base")
    return found
