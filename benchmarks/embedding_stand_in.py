"""An OpenAI-style embeddings endpoint without a model: a text's vector is drawn from its hash.

For measuring how fast vectors are stored and searched, which does not depend on what they mean.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

DIMENSION = 384


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet a reply: sent in two, the second waits 40 ms for the first to be acknowledged.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        texts = json.loads(self.rfile.read(length))["input"]
        data = [{"index": i, "embedding": _vector(text)} for i, text in enumerate(texts)]
        body = json.dumps({"object": "list", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: it would be a line for each request."""


def _vector(text: str) -> list[float]:
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    vector = np.random.default_rng(seed).standard_normal(DIMENSION, np.float32)
    return [round(float(x), 4) for x in vector]


@contextmanager
def running_stand_in() -> Iterator[str]:
    """Its base URL, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
