"""Clients that ask replicas under Ray Serve, and what they were told."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.server.questions import MODEL
from tests.server.ray_cluster import REPLICA, Cluster

CHAT = "/v1/chat/completions"
SESSION = "x-session-id"
END = "data: [DONE]\n\n"


def story(name: str = "", num_tokens: int = 200, *, is_streamed: bool = False) -> dict[str, object]:
    """Each name begins a conversation of its own."""
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": f"Tell {name or 'me'} a story."}],
        "max_tokens": num_tokens,
        "ignore_eos": True,
        "stream": is_streamed,
    }


@dataclass(frozen=True)
class Failure:
    began: float
    """On the clock of `time.monotonic`."""
    status: int
    error: dict[str, object]
    retry_after: str | None


@dataclass
class Load:
    """What clients have got so far. `answered` has the replica of each whole answer."""

    answered: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def ask(self, http: httpx.Client, name: str, *, is_streamed: bool) -> None:
        began = time.monotonic()
        reply = http.post(CHAT, json=story(name, is_streamed=is_streamed))
        if reply.status_code != httpx.codes.OK:
            error = reply.json()["error"]
        elif is_streamed and not reply.text.endswith(END):
            error = json.loads(reply.text.rpartition("data: ")[2])["error"]
        else:
            self.answered.append(reply.headers[REPLICA])
            return
        after = reply.headers.get("retry-after")
        self.failures.append(Failure(began, reply.status_code, error, after))


@contextmanager
def loaded(cluster: Cluster, num_clients: int) -> Iterator[Load]:
    """So many requests at a time, every other one streamed, until the block ends and what is
    under way then is answered."""
    load, stop = Load(), threading.Event()

    def ask(number: int) -> None:
        with cluster.http() as http:
            turn = 0
            while not stop.is_set():
                load.ask(http, f"{number} {turn}", is_streamed=bool(number % 2))
                turn += 1

    with ThreadPoolExecutor(num_clients) as pool:
        try:
            clients = [pool.submit(ask, number) for number in range(num_clients)]
            yield load
        finally:
            stop.set()
        for client in clients:
            client.result()
