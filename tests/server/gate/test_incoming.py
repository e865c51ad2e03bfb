"""Bodies on their way to the gate: whose are read, and what they hold up."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message

from server.gate.caller import Caller
from server.gate.gate import Gate
from server.gate.keyring import Keyring
from server.gate.keys import add_key
from server.gate.origins import Origins
from server.gate.refusals import Refused
from server.gate.room import Room
from server.settings import Settings
from tests.server.gate.test_gate import APP, CHAT, split
from tests.server.gate.test_keys import key

LENGTH = ("content-length", "1000000000000")
JSON = ("content-type", "application/json")
PREFLIGHT = (("origin", "http://a"), ("access-control-request-method", "POST"))


def gate(keyring: Keyring, app: ASGIApp = APP, **settings: Any) -> Gate:
    return Gate(app, keyring, Settings(**settings), "pocket", split, Origins(None, ["*"]))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    file = tmp_path / "keys.json"
    add_key(file, key("app", "wk_app"))
    add_key(file, key("web", "wk_web"))
    return Keyring(file)


class Asked:
    """One request, whose body comes as `parts` and then never ends."""

    def __init__(
        self, method: str, path: str, *headers: tuple[str, str], token: str = "", parts: int = 0
    ) -> None:
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "query_string": b"",
            "state": {},
        }
        if token:
            self.scope["headers"].append((b"authorization", f"Bearer {token}".encode()))  # type: ignore[attr-defined]
        self._num_parts = parts
        self.num_read = 0
        self.is_waiting = asyncio.Event()
        self.end = asyncio.Event()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def receive(self) -> Message:
        if self.num_read < self._num_parts:
            self.num_read += 1
            return {"type": "http.request", "body": b"x" * 1000, "more_body": True}
        self.is_waiting.set()
        await self.end.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def of(self, app: ASGIApp) -> "Asked":
        async with asyncio.timeout(10):
            await app(self.scope, self.receive, self.send)
        return self


class TestOpenRoutes:
    @pytest.mark.parametrize("path", ["/health", "/ready"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
    async def test_other_methods_are_refused_by_the_head(
        self, keyring: Keyring, path: str, method: str
    ) -> None:
        asked = await Asked(method, path, LENGTH, JSON, parts=1).of(gate(keyring))
        assert (asked.status, asked.num_read) == (405, 0)
        assert asked.headers[b"allow"] == b"GET, HEAD"
        assert asked.headers[b"connection"] == b"close"

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_probe_with_a_body_is_answered_without_it(
        self, keyring: Keyring, method: str
    ) -> None:
        asked = await Asked(method, "/health", LENGTH, parts=1).of(gate(keyring))
        assert (asked.status, asked.num_read) == (200, 0)
        assert asked.headers[b"connection"] == b"close"

    async def test_app_that_reads_all_the_same_gets_nothing(self, keyring: Keyring) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert (await receive())["body"] == b""
            reading = asyncio.create_task(receive())
            await asyncio.wait([reading], timeout=0)
            assert not reading.done()
            reading.cancel()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        asked = await Asked("GET", "/health", LENGTH, parts=1).of(gate(keyring, app))
        assert (asked.status, asked.num_read) == (200, 0)

    async def test_probe_keeps_its_connection(self, keyring: Keyring) -> None:
        asked = await Asked("GET", "/health").of(gate(keyring))
        assert b"connection" not in asked.headers

    @pytest.mark.parametrize("path", [CHAT, "/health", "/nothing"])
    async def test_browsers_question_is_answered_without_a_body(
        self, keyring: Keyring, path: str
    ) -> None:
        app = Starlette()
        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
        asked = await Asked("OPTIONS", path, *PREFLIGHT, LENGTH, parts=1).of(gate(keyring, app))
        assert (asked.status, asked.num_read) == (200, 0)


class TestRefusedByTheHead:
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
    @pytest.mark.parametrize(
        ("path", "token", "status"),
        [(CHAT, "", 401), (CHAT, "wk_no", 401), ("/nothing", "wk_app", 404)],
    )
    async def test_no_body_is_read_of_strangers_and_for_no_route(
        self, keyring: Keyring, method: str, path: str, token: str, status: int
    ) -> None:
        asked = await Asked(method, path, JSON, token=token, parts=1).of(gate(keyring))
        assert (asked.status, asked.num_read) == (status, 0)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
    async def test_length_is_refused_whatever_the_method(
        self, keyring: Keyring, method: str
    ) -> None:
        asked = await Asked(method, CHAT, LENGTH, JSON, token="wk_app", parts=1).of(gate(keyring))
        assert (asked.status, asked.num_read) == (413, 0)

    async def test_unknown_expectation(self, keyring: Keyring) -> None:
        asked = Asked("POST", CHAT, ("expect", "200-maybe"), token="wk_app", parts=1)
        await asked.of(gate(keyring))
        assert (asked.status, asked.num_read) == (417, 0)
        assert b"100-continue" in asked.body

    async def test_full_server(self, keyring: Keyring) -> None:
        begun, end = asyncio.Event(), asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            begun.set()
            await end.wait()

        full = gate(keyring, app, max_requests=1)
        first = asyncio.create_task(Asked("GET", CHAT, token="wk_app").of(full))
        await begun.wait()
        asked = await Asked("POST", CHAT, token="wk_app", parts=1).of(full)
        assert (asked.status, asked.num_read) == (503, 0)
        end.set()
        await first


class TestBoundsOfBodies:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
    async def test_body_in_chunks_has_its_size_and_its_time(
        self, keyring: Keyring, method: str
    ) -> None:
        chunked = ("transfer-encoding", "chunked")
        long = Asked(method, CHAT, chunked, JSON, token="wk_app", parts=5)
        assert (await long.of(gate(keyring, max_body_mb=0.002))).status == 413
        slow = Asked(method, CHAT, chunked, JSON, token="wk_app")
        assert (await slow.of(gate(keyring, body_timeout_s=0.05))).status == 408

    @pytest.mark.parametrize("path", [CHAT, "/v1/collections/a/documents"])
    async def test_bodies_that_never_come_take_no_place(self, keyring: Keyring, path: str) -> None:
        small = gate(keyring, max_requests=1)
        stuck = [Asked("POST", path, token="wk_app", parts=1) for _ in range(3)]
        tasks = [asyncio.create_task(one.of(small)) for one in stuck]
        await asyncio.gather(*(one.is_waiting.wait() for one in stuck))
        done = Asked("POST", CHAT, token="wk_app")
        done.end.set()
        assert (await done.of(small)).status == 200
        for one in stuck:
            one.end.set()
        await asyncio.gather(*tasks)
        assert [one.status for one in stuck] == [200] * 3

    async def test_one_tenants_bodies_leave_room_for_the_others(self, keyring: Keyring) -> None:
        small = gate(keyring, max_incoming_mb=0.004, max_tenant_share=0.5)
        stuck = [Asked("POST", CHAT, token="wk_app", parts=2) for _ in range(2)]
        tasks = [asyncio.create_task(one.of(small)) for one in stuck]
        await asyncio.gather(*(one.is_waiting.wait() for one in stuck))
        same = await Asked("POST", CHAT, token="wk_app", parts=1).of(small)
        assert same.status == 429
        assert int(same.headers[b"retry-after"]) >= 1
        other = Asked("POST", CHAT, token="wk_web", parts=1)
        other.end.set()
        assert (await other.of(small)).status == 200
        for one in stuck:
            one.end.set()
        await asyncio.gather(*tasks)


class TestWebsockets:
    async def test_stranger_is_told_why_where_the_server_can(self, keyring: Keyring) -> None:
        asked = Asked("GET", "/v1/realtime")
        asked.scope |= {"type": "websocket", "extensions": {"websocket.http.response": {}}}
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await gate(keyring)(asked.scope, asked.receive, send)
        assert [message["type"] for message in sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert sent[0]["status"] == 401
        assert b"no valid key" in sent[1]["body"]

    async def test_silent_client_is_taken_for_gone(self, keyring: Keyring) -> None:
        asked = Asked("GET", "/v1/realtime", token="wk_app")
        asked.scope["type"] = "websocket"
        received: list[Message] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            received.append(await receive())

        await asked.of(gate(keyring, app, max_timeout_s=0.05))
        assert received == [{"type": "websocket.disconnect", "code": 1001}]


class TestRoom:
    FIRST, SECOND = Caller("a", "a"), Caller("b", "b")

    def test_body_is_not_refused_for_its_own_size(self) -> None:
        room = Room(10, 0.5)
        with room.hold(self.FIRST) as take:
            take(100)
            take(100)

    def test_room_is_shared_by_all_and_free_again(self) -> None:
        room = Room(10, 1.0)
        with room.hold(self.FIRST) as take:
            take(11)
            with pytest.raises(Refused, match="10 bytes") as refusal:
                self.take_one(room, self.SECOND)
            assert refusal.value.status == 503
        self.take_one(room, self.SECOND)

    def test_tenant_has_its_share(self) -> None:
        room = Room(10, 0.5)
        with room.hold(self.FIRST) as take:
            take(6)
            with pytest.raises(Refused, match="key a may have 5 bytes") as refusal:
                self.take_one(room, self.FIRST)
            assert refusal.value.status == 429
            self.take_one(room, self.SECOND)

    @staticmethod
    def take_one(room: Room, caller: Caller) -> None:
        with room.hold(caller) as take:
            take(1)
