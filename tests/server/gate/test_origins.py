"""Pages of other sites, and names that resolve to the server without being its own."""

from collections.abc import Mapping

import httpx
import pytest
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from server.gate.content_type import check_content_type
from server.gate.gate import Gate
from server.gate.keyring import Keyring
from server.gate.origins import Origins, is_loopback
from server.gate.refusals import Refused
from server.settings import Settings
from tests.server.gate.test_gate import APP, CHAT, error_of, split

PAGE = "http://localhost:3000"
ASK = {"Access-Control-Request-Method": "POST"}


def client(origins: Origins, base_url: str = "http://localhost:8000") -> httpx.AsyncClient:
    gate = Gate(APP, Keyring(None), Settings(), "pocket", split, origins)
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url=base_url)


def is_refused(origins: Origins, head: Mapping[str, str]) -> bool:
    try:
        origins.check({name.lower().encode(): text.encode() for name, text in head.items()})
    except Refused as refusal:
        return refusal.status == 403
    return False


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            *("localhost", "localhost:8000", "LOCALHOST", "localhost.", "a.localhost"),
            *("127.0.0.1", "127.0.0.1:80", "192.168.1.9:8000", "[::1]:8000", "[fe80::1]"),
        ],
    )
    def test_this_machine_and_addresses_are_served(self, host: str) -> None:
        assert not is_refused(Origins([]), {"Host": host})

    @pytest.mark.parametrize(
        "host",
        [
            *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost"),
            *("", "localhost:x", "localhost,evil.example", "a@localhost", "[::1", "::1", "[::1]x"),
            *("2130706433", "0x7f.1", "127.1", "localhost/x", ".", "*", "ünï"),
        ],
    )
    def test_other_names_are_not(self, host: str) -> None:
        assert is_refused(Origins([]), {"Host": host})
        assert is_refused(Origins([]), {})

    @pytest.mark.parametrize(
        ("allowed", "host", "is_served"),
        [
            ("llm.example.org", "LLM.example.org:443", True),
            ("LLM.Example.org", "llm.example.org", True),
            ("llm.example.org", "a.llm.example.org", False),
            ("*.example.org", "a.example.org", True),
            ("*.example.org", "b.a.example.org", True),
            ("*.example.org", "example.org", False),
            ("*.example.org", "evilexample.org", False),
            ("*.example.org", ".example.org", False),
            ("*", "anything", True),
            ("*", "no host", False),
            ("winnow", "winnow:8000", True),
        ],
    )
    def test_what_the_operator_allows_is_served(
        self, allowed: str, host: str, is_served: bool
    ) -> None:
        assert is_refused(Origins([allowed]), {"Host": host}) is not is_served
        assert not is_refused(Origins([allowed]), {"Host": "localhost"})

    def test_every_host_is_served_where_none_is_checked(self) -> None:
        assert not is_refused(Origins(None), {"Host": "evil.example"})

    @pytest.mark.parametrize(
        "wrong", ["example.org:80", "http://example.org", "*example", "", "a b"]
    )
    def test_setting_has_names(self, wrong: str) -> None:
        with pytest.raises(ValidationError):
            Settings(allowed_hosts=(wrong,))

    async def test_probes_are_answered_for_any(self) -> None:
        async with client(Origins([]), "http://evil.example") as http:
            assert (await http.get("/health")).status_code == 200
            error = error_of(await http.get(CHAT))
        assert error["type"] == "PermissionDeniedError"
        assert error["param"] == "host"
        assert "WINNOW_ALLOWED_HOSTS" in error["message"]


class TestOrigin:
    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://localhost:8000", "localhost:8000"),
            ("http://LocalHost:8000", "localhost:8000"),
            ("http://localhost", "localhost"),
            ("http://localhost", "localhost:80"),
            ("https://llm.example.org", "llm.example.org"),  # TLS ended by a proxy
            ("https://llm.example.org", "llm.example.org:443"),
            ("http://[::1]:8000", "[::1]:8000"),
        ],
    )
    def test_own_page_may_ask(self, origin: str, host: str) -> None:
        assert not is_refused(Origins(None), {"Host": host, "Origin": origin})

    @pytest.mark.parametrize(
        "origin",
        [
            *("http://localhost", "http://localhost:3000", "http://127.0.0.1:8000", "null", ""),
            *("https://evil.example", "http://localhost:8000/", "http://localhost:8000@evil"),
            *("http://evil/localhost:8000", "localhost:8000", "file://localhost:8000", "http://["),
            *("http://localhost:8000 http://evil", "http://localhost:99999", "x://localhost:8000"),
        ],
    )
    def test_page_of_another_site_may_not(self, origin: str) -> None:
        assert is_refused(Origins(None), {"Host": "localhost:8000", "Origin": origin})
        assert not is_refused(Origins(None, ["*"]), {"Host": "localhost:8000", "Origin": origin})

    def test_allowed_page_may_and_no_other(self) -> None:
        origins = Origins([], [PAGE])
        assert not is_refused(origins, {"Host": "localhost:8000", "Origin": PAGE})
        assert is_refused(origins, {"Host": "localhost:8000", "Origin": f"{PAGE}0"})

    async def test_refused_page_cannot_read_and_cannot_ask(self) -> None:
        async with client(Origins([])) as http:
            replies = [
                await http.post(CHAT, json={}, headers={"Origin": PAGE}),
                await http.options(CHAT, headers={"Origin": PAGE, **ASK}),
            ]
        for reply in replies:
            assert reply.status_code == 403
            assert "--allowed-origins" in error_of(reply)["message"]
            assert not [name for name in reply.headers if name.startswith("access-control")]

    async def test_where_others_are_not_refused_they_cannot_ask_either(self) -> None:
        async with client(Origins(None, refuses_others=False)) as http:
            sent = await http.post(CHAT, json={}, headers={"Origin": PAGE})
            asked = await http.options(CHAT, headers={"Origin": PAGE, **ASK})
        assert (sent.status_code, asked.status_code) == (200, 403)
        for reply in (sent, asked):
            assert not [name for name in reply.headers if name.startswith("access-control")]

    @pytest.mark.parametrize(("allowed", "said"), [([PAGE], PAGE), (["*"], "*")])
    async def test_allowed_page_can_read_what_the_gate_refuses(
        self, allowed: list[str], said: str
    ) -> None:
        async with client(Origins([], allowed)) as http:
            reply = await http.get("/nothing", headers={"Origin": PAGE})
        assert reply.status_code == 404
        assert reply.headers["access-control-allow-origin"] == said
        assert reply.headers["vary"] == "Origin"

    @pytest.mark.parametrize(
        ("headers", "is_let_in"),
        [
            ({"host": "localhost"}, True),
            ({"host": "localhost", "origin": "http://localhost"}, True),
            ({"host": "localhost", "origin": PAGE}, False),
            ({"host": "localhost", "origin": "null"}, False),
            ({"host": "evil.example", "origin": "http://evil.example"}, False),
        ],
    )
    async def test_websockets_too(self, headers: dict[str, str], is_let_in: bool) -> None:
        sent: list[Message] = []

        async def inner(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        pairs = [(name.encode(), text.encode()) for name, text in headers.items()]
        scope = {"type": "websocket", "path": "/v1/realtime", "headers": pairs, "state": {}}
        gate = Gate(inner, Keyring(None), Settings(), "pocket", split, Origins([]))
        await gate(scope, receive, send)
        assert sent[0]["type"] == ("websocket.accept" if is_let_in else "websocket.close")


DOCUMENTS, FORM = "/v1/collections/a/documents", "multipart/form-data; boundary=b"


class TestContentType:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            (CHAT, "application/json"),
            (CHAT, "Application/JSON; charset=utf-8"),
            (DOCUMENTS, "application/json"),
            (DOCUMENTS, FORM),
            ("/v1/audio/transcriptions", FORM),
            ("/mine", FORM),
            ("/mine", "application/json"),
        ],
    )
    def test_what_a_route_takes(self, path: str, kind: str) -> None:
        head = {b"content-length": b"2", b"content-type": kind.encode()}
        check_content_type(path, head, ["/mine"])

    @pytest.mark.parametrize(
        "size", [{b"content-length": b"2"}, {b"transfer-encoding": b"chunked"}]
    )
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            (CHAT, None),
            (CHAT, ""),
            (CHAT, "text/plain"),
            (CHAT, "text/plain; application/json"),
            (CHAT, "application/x-www-form-urlencoded"),
            (CHAT, FORM),
            (CHAT, "application/jsonp"),
            ("/v1/collections", FORM),
            ("/v1/collections/a/search", FORM),
            (DOCUMENTS, "text/plain"),
            ("/v1/audio/transcriptions", "application/json"),
            ("/mine", "text/plain"),
        ],
    )
    def test_what_it_does_not(self, path: str, kind: str | None, size: dict[bytes, bytes]) -> None:
        head = size if kind is None else {**size, b"content-type": kind.encode()}
        with pytest.raises(Refused, match="takes a body with Content-Type") as refused:
            check_content_type(path, head, ["/mine"])
        assert refused.value.status == 415

    def test_no_body_need_not_say_what_it_is(self) -> None:
        check_content_type(CHAT, {})
        check_content_type(CHAT, {b"content-length": b"0", b"content-type": b"text/plain"})


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), (None, False)],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected
