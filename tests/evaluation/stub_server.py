"""A server that speaks OpenAI's API and answers what a test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
AT_ONCE = {"Retry-After-Ms": "1"}


@dataclass(frozen=True)
class Answer:
    """`status` None closes the connection without a reply. `after_s` is how long it takes."""

    body: Json
    status: int | None = 200
    after_s: float = 0.0


Script = Callable[[Json, int], Answer]
"""What is answered to a request's body that came so many times before."""


@dataclass
class Stub:
    url: str
    script: Script
    models: tuple[str, ...] = ("stub", "stub:greedy")
    asked: list[Json] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: Json, key: str | None) -> Answer:
        with self._lock:
            num_before = self.asked.count(body)
            self.asked.append(body)
            self.keys.add(key)
            return self.script(body, num_before)

    @property
    def questions(self) -> list[tuple[str, str]]:
        """What was asked of which decoder, in order."""
        return [(question_of(body), strategy_of(body)) for body in self.asked]


def question_of(body: Json) -> str:
    text: str = body["messages"][0]["content"]
    return text


def strategy_of(body: Json) -> str:
    strategy: str = body.get("decoding", {"strategy": "plain"})["strategy"]
    return strategy


def completion(text: str, **fields: Any) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}
    return Answer({"id": "1", "choices": [choice], "usage": usage, **fields})


def decoded(answer: str | None, **fields: Any) -> Answer:
    """As Winnow replies to a decoder."""
    report = {"answer": answer, "confidence": None, "agreement": None, "fallback": None}
    return completion(f"It is {answer}.", decoding=report | fields)


def failure(status: int, message: str) -> Answer:
    return Answer({"error": {"message": message, "type": "x", "param": None}}, status)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    stub: Stub


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart

    def do_GET(self) -> None:
        models = [{"id": name, "object": "model"} for name in self.server.stub.models]
        self._reply(Answer({"object": "list", "data": models}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(self.server.stub.answer(body, self.headers["Authorization"]))

    def _reply(self, answer: Answer) -> None:
        time.sleep(answer.after_s)
        if answer.status is None:
            self.close_connection = True
            return
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in (AT_ONCE | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running_stub(script: Script) -> Iterator[Stub]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = Stub(f"http://127.0.0.1:{server.server_port}", script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
