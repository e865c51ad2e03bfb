"""Java's HttpClient, which offers HTTP/2 beside its first request to a server."""

import base64
import http.client
import json
import shutil
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.clients.client_programs import PROGRAMS, Json, run
from tests.clients.conftest import Expected
from tests.server.events import stream_of
from tests.server.questions import MODEL, chat
from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm
PATH = "/v1/chat/completions"
ALIAS = f"{MODEL}:cot_decoding"
BODY = chat(temperature=0)
HEAD = (
    "POST {path} HTTP/1.1\r\n"
    "Connection: Upgrade, HTTP2-Settings\r\n"
    "Content-Length: {size}\r\n"
    "Host: {host}\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    "Upgrade: h2c\r\n"
    "User-Agent: Java-http-client/17.0.15\r\n"
    "Content-Type: application/json\r\n\r\n"
)
"""What Java 17 sends. The body follows in another packet."""


def text_of(content: Json) -> str:
    text: str = content["choices"][0]["message"]["content"]
    return text


def test_java_asks_plainly_and_by_alias_whole_and_streamed(
    server: ServerProcess, expected: Expected
) -> None:
    if shutil.which("javac") is None:
        pytest.skip("no JDK")
    bodies = (
        BODY,
        BODY | {"model": ALIAS},
        BODY | {"model": ALIAS, "stream": True},
        BODY | {"decoding": {"strategy": "nope"}},
    )
    asked = "".join(f"{server.url}{PATH} {json.dumps(body)}\n" for body in bodies)
    printed = run(("java", PROGRAMS / "Ask.java"), server, input=asked).splitlines()
    replies = [(status, base64.b64decode(body)) for status, body in map(str.split, printed)]
    assert [status for status, _ in replies] == ["200", "200", "200", "400"]
    plain, alias, stream, refused = (body for _, body in replies)
    assert text_of(json.loads(plain)) == expected.plain["text"]
    assert text_of(json.loads(alias)) == expected.decoded["text"]
    assert json.loads(alias)["decoding"]["answer"] == expected.decoded["answer"]
    streamed = stream_of(stream.decode().splitlines())
    assert streamed.chat_text == expected.decoded["text"]
    assert streamed.chunks[-1]["decoding"]["answer"] == expected.decoded["answer"]
    assert json.loads(refused)["error"]["param"] == "decoding.strategy"


def test_offer_of_http2_loses_no_body(server: ServerProcess, expected: Expected) -> None:
    """The bytes of Java's request, for where there is no JDK."""
    address = urlsplit(server.url)
    assert address.hostname is not None
    body = json.dumps(BODY).encode()
    head = HEAD.format(path=PATH, size=len(body), host=address.netloc)
    with socket.create_connection((address.hostname, address.port or 80), timeout=60) as sent:
        sent.sendall(head.encode())
        sent.sendall(body)
        reply = http.client.HTTPResponse(sent)
        reply.begin()
        assert reply.status == httpx.codes.OK, reply.read()
        assert text_of(json.loads(reply.read())) == expected.plain["text"]
