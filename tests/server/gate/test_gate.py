"""The gate in front of a small app; in front of vLLM it is tested in `test_real_keys`."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from server.gate import routes
from server.gate.caller import caller_of
from server.gate.gate import Gate
from server.gate.keyring import Keyring
from server.gate.keys import add_key
from server.gate.origins import Origins
from server.settings import Settings
from tests.server.gate.test_keys import key

CHAT = "/v1/chat/completions"
AS_JSON = {"Content-Type": "application/json"}


async def echo(request: Request) -> Response:
    body = await request.body()
    caller = caller_of(request)
    engine_id = request.headers["x-request-id"]
    return JSONResponse({"length": len(body), "tenant": caller.tenant, "engine_id": engine_id})


async def fail(request: Request) -> Response:
    status = int(request.query_params["status"])
    return Response(request.query_params["body"], status)


async def stream(request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield 'data: {"choices": []}\n\n'
        error = {"error": {"message": "x" * 9000, "type": "T", "param": None, "code": 400}}
        yield f"data: {json.dumps(error)}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


APP = Starlette(
    routes=[
        Route("/health", lambda request: PlainTextResponse("")),
        Route("/metrics", lambda request: PlainTextResponse("numbers")),
        Route(CHAT, echo, methods=["GET", "POST", "OPTIONS"]),
        Route("/v1/messages", fail, methods=["POST"]),
        Route("/v1/models", fail),
        Route("/v1/models/stream", stream),
        Route("/v1/collections", echo, methods=["POST"]),
        Route("/v1/collections/a/documents", echo, methods=["POST"]),
        Route("/v1/responses/resp_1/cancel", echo, methods=["POST"]),
        Route("/v1/load_lora_adapter", echo, methods=["POST"]),
        Route("/v1/secret", echo, methods=["POST"]),
    ]
)
for route in APP.routes:
    assert isinstance(route, Route)
    route.methods = (route.methods or set()) - {"HEAD"}  # as FastAPI's have it


def split(model: str) -> tuple[str, str | None]:
    base, _, alias = model.partition(":")
    return base, alias or None


def client(keyring: Keyring, token: str | None = None, **settings: Any) -> httpx.AsyncClient:
    gate = Gate(APP, keyring, Settings(**settings), "pocket", split, Origins(None, ["*"]))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(gate), base_url="http://test", headers=headers
    )


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    file = tmp_path / "keys.json"
    add_key(file, key("app", "wk_app"))
    add_key(file, key("grafana", "wk_monitor", role="monitor"))
    add_key(file, key("root", "wk_admin", role="admin"))
    add_key(file, key("small", "wk_small", models=("pocket",)))
    add_key(file, key("other", "wk_other", models=("another",)))
    return Keyring(file)


@pytest.fixture
def opened() -> Keyring:
    return Keyring(None)


def error_of(reply: httpx.Response) -> dict[str, Any]:  # JSON
    error: dict[str, Any] = reply.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["code"] == reply.status_code
    assert len(error["message"]) <= 500
    return error


class TestWhoComesIn:
    @pytest.mark.parametrize("path", [CHAT, "/metrics", "/nothing", "/v1/secret", "/", "/healthz"])
    async def test_nobody_without_a_key(self, keyring: Keyring, path: str) -> None:
        async with client(keyring) as http:
            reply = await http.get(path)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert error_of(reply)["type"] == "AuthenticationError"

    async def test_probes_do(self, keyring: Keyring) -> None:
        async with client(keyring) as http:
            assert (await http.get("/health")).status_code == 200

    @pytest.mark.parametrize(
        ("token", "path", "status"),
        [
            ("wk_app", CHAT, 200),
            ("wk_app", "/metrics", 200),
            ("wk_app", "/v1/load_lora_adapter", 403),
            ("wk_monitor", "/metrics", 200),
            ("wk_monitor", CHAT, 403),
            ("wk_admin", "/v1/load_lora_adapter", 200),
            ("wk_admin", CHAT, 200),
            ("wk_admin", "/v1/secret", 404),
            ("wk_none", "/v1/secret", 401),
        ],
    )
    async def test_role_decides(self, keyring: Keyring, token: str, path: str, status: int) -> None:
        async with client(keyring, token) as http:
            method = "GET" if path == "/metrics" else "POST"
            reply = await http.request(method, path)
        assert reply.status_code == status

    @pytest.mark.parametrize(
        ("token", "path", "status"),
        [
            ("wk_app", f"{CHAT}/", 200),
            ("wk_app", f"{CHAT}//", 200),
            ("wk_app", "/metrics/", 200),
            ("wk_app", "/v1/load_lora_adapter/", 403),
            ("wk_app", "/v1/secret/", 404),
            ("wk_app", "//", 404),
            ("wk_monitor", "/metrics/", 200),
            ("wk_monitor", f"{CHAT}/", 403),
            ("wk_small", f"{CHAT}/", 403),
            ("wk_admin", "/v1/load_lora_adapter/", 200),
            (None, "/health/", 200),
            (None, f"{CHAT}/", 401),
            (None, "/metrics/", 401),
        ],
    )
    async def test_slash_at_the_end_is_the_route_without_it(
        self, keyring: Keyring, token: str | None, path: str, status: int
    ) -> None:
        async with client(keyring, token) as http:
            method = "GET" if path.startswith(("/metrics", "/health")) else "POST"
            reply = await http.request(method, path, json={"model": "other"})
        assert reply.status_code == status

    async def test_body_is_bounded_behind_a_slash_too(self, opened: Keyring) -> None:
        async with client(opened, max_body_mb=0.001) as http:
            assert (
                await http.post(f"{CHAT}/", content=b"x" * 2000, headers=AS_JSON)
            ).status_code == 413

    async def test_route_that_is_not_listed_can_be_added(self, keyring: Keyring) -> None:
        async with client(keyring, "wk_app", extra_routes=("/v1/secret",)) as http:
            assert (await http.post("/v1/secret")).status_code == 200

    async def test_open_server_has_no_admin(self, opened: Keyring) -> None:
        async with client(opened) as http:
            assert (await http.post(CHAT)).status_code == 200
            assert (await http.post("/v1/load_lora_adapter")).status_code == 403

    async def test_anthropic_header_is_a_key(self, keyring: Keyring) -> None:
        async with client(keyring) as http:
            reply = await http.post(CHAT, headers={"x-api-key": "wk_app"})
        assert reply.json()["tenant"] == "tenant_app"

    async def test_browser_may_ask_whether_it_may_ask(self, keyring: Keyring) -> None:
        ask = {"Origin": "http://a", "Access-Control-Request-Method": "POST"}
        async with client(keyring) as http:
            assert (await http.options(CHAT, headers=ask)).status_code == 200
            assert (await http.options(CHAT)).status_code == 401

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"model": "pocket"}, 200),
            ({"model": "pocket:cot_decoding"}, 200),
            ({}, 200),
            ({"model": "other"}, 403),
            ({"model": 5}, 403),
            ({"model": "pocket", "decoding": {"models": ["pocket", "other"]}}, 403),
            ({"model": "pocket", "decoding": {"base": {"models": ["other"]}}}, 403),
            ([], 200),
        ],
    )
    async def test_key_is_held_to_its_models(
        self, keyring: Keyring, body: object, status: int
    ) -> None:
        async with client(keyring, "wk_small") as http:
            reply = await http.post(CHAT, json=body)
        assert reply.status_code == status
        if status == 403:
            assert error_of(reply)["param"] == "model"

    @pytest.mark.parametrize(
        "path", ["/v1/collections", "/v1/collections/a/documents", "/v1/responses/resp_1/cancel"]
    )
    async def test_models_are_no_matter_where_bodies_name_none(
        self, keyring: Keyring, path: str
    ) -> None:
        async with client(keyring, "wk_other") as http:
            assert (await http.post(path, json={"name": "notes"})).status_code == 200
            assert (await http.post(CHAT, json={"name": "notes"})).status_code == 403

    @pytest.mark.parametrize(
        ("token", "is_let_in"), [("wk_app", True), ("wk_small", False), ("wk_no", False)]
    )
    async def test_websocket_has_a_key_and_no_models_to_be_held_to(
        self, keyring: Keyring, token: str, is_let_in: bool
    ) -> None:
        sent: list[Message] = []

        async def inner(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "websocket", "path": "/v1/realtime", "headers": headers, "state": {}}
        await Gate(inner, keyring, Settings(), "pocket", split, Origins(None))(scope, receive, send)
        assert sent[0]["type"] == ("websocket.accept" if is_let_in else "websocket.close")


class TestForm:
    async def test_body_has_a_size(self, opened: Keyring) -> None:
        async with client(opened, max_body_mb=0.001) as http:
            assert (
                await http.post(CHAT, content=b'"' + b"x" * 998 + b'"', headers=AS_JSON)
            ).status_code == 200
            reply = await http.post(CHAT, content=b'"' + b"x" * 999 + b'"', headers=AS_JSON)
        assert reply.status_code == 413
        assert "1,000 bytes" in error_of(reply)["message"]
        assert reply.headers["connection"] == "close"

    async def test_size_holds_without_a_length(self, opened: Keyring) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 500

        async with client(opened, max_body_mb=0.001) as http:
            assert (await http.post(CHAT, content=parts(), headers=AS_JSON)).status_code == 413

    async def test_uploads_have_a_size_of_their_own(self, opened: Keyring) -> None:
        async with client(opened, max_body_mb=0.001, max_document_mb=0.002) as http:
            path = "/v1/collections/a/documents"
            assert (await http.post(path, content=b"x" * 2000, headers=AS_JSON)).json()[
                "length"
            ] == 2000

    async def test_slow_body_is_given_up(self, opened: Keyring) -> None:
        never = asyncio.Event()

        async def parts() -> AsyncIterator[bytes]:
            yield b"{"
            await never.wait()

        async with client(opened, body_timeout_s=0.05) as http:
            reply = await http.post(CHAT, content=parts(), headers=AS_JSON)
        assert reply.status_code == 408
        assert error_of(reply)["param"] == "body"

    @pytest.mark.parametrize("body", [b'{"a": NaN}', b'["\\ud800"]', b"[" * 200 + b"]" * 200])
    async def test_body_is_sound_json(self, opened: Keyring, body: bytes) -> None:
        async with client(opened) as http:
            reply = await http.post(CHAT, content=body, headers=AS_JSON)
        assert reply.status_code == 400
        error_of(reply)

    async def test_body_comes_through_as_it_was(self, opened: Keyring) -> None:
        async with client(opened) as http:
            assert (await http.post(CHAT, content=b"x" * 4321, headers=AS_JSON)).json()[
                "length"
            ] == 4321

    @pytest.mark.parametrize("headers", [{f"x-{i}": "" for i in range(101)}, {"x": "y" * 32768}])
    async def test_head_has_a_size(self, opened: Keyring, headers: dict[str, str]) -> None:
        async with client(opened) as http:
            assert (await http.post(CHAT, headers=headers)).status_code == 431

    async def test_client_that_leaves_is_no_error(
        self, opened: Keyring, caplog: pytest.LogCaptureFixture
    ) -> None:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": CHAT, "headers": [], "state": {}}
        with caplog.at_level(logging.INFO, "server.access"):
            await Gate(APP, opened, Settings(), "pocket", split, Origins(None))(
                scope, receive, send
            )
        assert sent == []
        assert "status=0" in caplog.text


class TestRequestId:
    async def test_every_reply_has_one(self, keyring: Keyring) -> None:
        async with client(keyring) as http:
            replies = [await http.get(path) for path in ("/health", CHAT)]
        ids = [reply.headers["x-request-id"] for reply in replies]
        assert len(set(ids)) == 2

    async def test_own_id_comes_back_and_is_made_unique_for_the_engine(
        self, opened: Keyring
    ) -> None:
        async with client(opened) as http:
            replies = [await http.post(CHAT, headers={"X-Request-Id": "a.b"}) for _ in range(2)]
        assert [reply.headers["x-request-id"] for reply in replies] == ["a.b", "a.b"]
        engine_ids = [reply.json()["engine_id"] for reply in replies]
        assert all(one.startswith("a.b-") for one in engine_ids)
        assert len(set(engine_ids)) == 2

    @pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "ü"])
    async def test_odd_ones_are_refused(self, opened: Keyring, given: str) -> None:
        async with client(opened) as http:
            reply = await http.post(CHAT, headers={b"X-Request-Id": given.encode()})
        assert reply.status_code == 400
        assert error_of(reply)["param"] == "X-Request-Id"
        assert reply.headers["x-request-id"] != given


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "body", "message"),
        [
            (400, '{"error": "Unauthorized"}', "Unauthorized"),
            (404, '{"detail": "Not Found"}', "Not Found"),
            (405, "Method Not Allowed", "Method Not Allowed"),
            (500, '{"error": {"message": "File /usr/x.py"}}', "the server failed"),
            (500, "Traceback (most recent call last)", "the server failed"),
            (503, '{"error": {"message": "busy", "code": 503}}', "busy"),
            (409, "[1, 2]", "Conflict"),
        ],
    )
    async def test_all_have_one_shape(
        self, opened: Keyring, status: int, body: str, message: str
    ) -> None:
        async with client(opened) as http:
            reply = await http.get("/v1/models", params={"status": status, "body": body})
        assert reply.status_code == status
        assert error_of(reply)["message"].startswith(message)

    async def test_422_is_400(self, opened: Keyring) -> None:
        async with client(opened) as http:
            reply = await http.get("/v1/models", params={"status": 422, "body": "{}"})
        assert reply.status_code == 400
        error_of(reply)

    async def test_long_ones_are_cut(self, opened: Keyring) -> None:
        body = json.dumps({"error": {"message": "m" * 5000, "param": "p", "type": "T"}})
        async with client(opened) as http:
            reply = await http.get("/v1/models", params={"status": 400, "body": body})
        error = error_of(reply)
        assert (error["param"], error["type"], len(error["message"])) == ("p", "T", 500)

    async def test_anthropic_clients_find_their_mark(self, opened: Keyring) -> None:
        async with client(opened) as http:
            reply = await http.post("/v1/messages", params={"status": 400, "body": "x"})
        assert reply.json()["type"] == "error"
        error_of(reply)

    async def test_error_in_a_stream_is_cut_and_the_rest_left(self, opened: Keyring) -> None:
        async with client(opened) as http:
            text = (await http.get("/v1/models/stream")).text
        events = text.split("\n\n")
        assert events[0] == 'data: {"choices": []}'
        error = json.loads(events[1].removeprefix("data: "))["error"]
        assert len(error["message"]) <= 500
        assert events[2] == "data: [DONE]"


class TestLog:
    async def test_line_tells_of_the_request_and_nothing_of_its_content(
        self, keyring: Keyring, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "server.access"):
            async with client(keyring, "wk_app") as http:
                await http.post(CHAT, json={"messages": "a secret"}, params={"q": "a secret"})
        (record,) = [one for one in caplog.records if one.name == "server.access"]
        fields = vars(record)
        assert (fields["key"], fields["status"], fields["path"]) == ("app", 200, CHAT)
        assert "secret" not in record.getMessage()
        assert "wk_app" not in record.getMessage()

    async def test_path_cannot_forge_a_line(
        self, opened: Keyring, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "server.access"):
            async with client(opened) as http:
                await http.get("/a%0aINFO forged")
        messages: Sequence[str] = [one.getMessage() for one in caplog.records]
        assert all("\n" not in message for message in messages)
        assert any('path="/a\\nINFO forged"' in message for message in messages)

    async def test_probes_are_not_told_of(
        self, opened: Keyring, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "server.access"):
            async with client(opened) as http:
                await http.get("/health")
        assert not [one for one in caplog.records if one.name == "server.access"]


@pytest.mark.parametrize("name", ["Authorization", "X-Request-Id", "Content-Type"])
async def test_header_that_a_proxy_may_read_otherwise_is_there_once(
    keyring: Keyring, name: str
) -> None:
    pairs = [("Authorization", "Bearer wk_app"), (name, "a"), (name, "b")]
    async with client(keyring) as http:
        reply = await http.post(CHAT, headers=pairs)
    assert reply.status_code == 400
    assert error_of(reply)["param"] == name.lower()


@pytest.mark.parametrize("path", ["/health", "/metrics", "/v1/models", "/v1/models/"])
async def test_head_is_answered_as_get_is(keyring: Keyring, path: str) -> None:
    query = {"status": "203", "body": "x"}
    async with client(keyring, "wk_app") as http:
        head, get = [await http.request(m, path, params=query) for m in ("HEAD", "GET")]
    assert head.status_code == get.status_code < 400
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_metrics_are_read_and_not_written(keyring: Keyring) -> None:
    async with client(keyring, "wk_app") as http:
        assert (await http.post("/metrics")).status_code == 405


def test_schema_lists_what_its_readers_may_use() -> None:
    paths = [CHAT, "/health", "/metrics", "/v1/collections/{name}", "/v1/systemone", "/sleep", "/x"]
    schema: dict[str, Any] = {"openapi": "3.1.0", "paths": {path: {} for path in paths}}
    assert list(routes.usable(schema, "user", ["/x"])["paths"]) == [*paths[:4], "/x"]
    assert "/sleep" in routes.usable(schema, "admin", [])["paths"]
    assert len(schema["paths"]) == len(paths)
