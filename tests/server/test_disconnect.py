"""A client that leaves stops its branches."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.server.questions import Json, chat, completion, response
from tests.server.server_process import ServerProcess, num_requests, wait_until

pytestmark = pytest.mark.vllm
IDLE_WITHIN_S = 2.0
START_WITHIN_S = 30.0
LONG = {"decoding": {"strategy": "cot_decoding", "k": 8}, "ignore_eos": True}
REQUESTS = {
    "/v1/chat/completions": chat(**LONG, max_tokens=1900),
    "/v1/completions": completion(**LONG, max_tokens=1900),
    "/v1/responses": response(**LONG, max_output_tokens=1900),
}


@pytest.fixture
def metrics(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.http() as metrics:
        assert num_requests(metrics) == 0
        yield metrics


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_engine_is_idle_soon_after_the_client_left(
    server: ServerProcess, metrics: httpx.Client, path: str, stream: bool
) -> None:
    with leaving_client(server, path, {**REQUESTS[path], "stream": stream}):
        wait_until(lambda: num_requests(metrics) >= 8, START_WITHIN_S, "branches running")
    wait_until(lambda: num_requests(metrics) == 0, IDLE_WITHIN_S, "idle")


@contextmanager
def leaving_client(server: ServerProcess, path: str, body: Json) -> Iterator[None]:
    """Sends a request and leaves at the end of the block, before its reply is there."""
    url = httpx.URL(server.url)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    assert url.port is not None
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(head.encode() + content)
        yield
