"""Our streaming client against a server that takes its time between two tokens."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.crosscheck.streaming import measure_streaming
from loadtest.client import RequestFailed

PAUSE_S = 0.2


class SlowStream(BaseHTTPRequestHandler):
    """A role, a token, a pause, a token. A body that says `fail` gets a 400, `mute` no token."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(400 if body.get("fail") else 200)
        self.end_headers()
        self._send({"role": "assistant", "content": ""})
        if not body.get("mute"):
            self._send({"content": "So"})
            time.sleep(PAUSE_S)
            self._send({"content": " 7"})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, delta: dict[str, str]) -> None:
        self.wfile.write(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def slow_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowStream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_first_token_comes_before_the_pause_and_the_end_after_it() -> None:
    with slow_server() as url:
        figures = measure_streaming(url, [{}] * 4, 2)
    assert figures.ttft_p95_ms < 1000 * PAUSE_S <= figures.latency_p50_ms
    assert figures.requests_per_s < 2 / PAUSE_S, "two at once, each of which takes the pause"


@pytest.mark.parametrize(
    ("body", "reason"), [({"fail": True}, "status 400"), ({"mute": True}, "without a token")]
)
def test_reply_without_tokens_is_no_measurement(body: dict[str, bool], reason: str) -> None:
    with slow_server() as url, pytest.raises(RequestFailed, match=reason):
        measure_streaming(url, [body], 1)
