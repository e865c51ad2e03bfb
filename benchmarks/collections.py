"""A server's collections, over HTTP."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from loadtest.client import RequestFailed

Json = dict[str, Any]
Ranking = Literal["words", "vectors", "hybrid"]
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Hit:
    text: str
    score: float


class Collections:
    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def create(self, name: str, *, memory: bool = False) -> None:
        self._post("/v1/collections", json={"name": name, "memory": memory})

    def delete(self, name: str) -> None:
        self._client.delete(f"/v1/collections/{name}")

    def add_lines(self, name: str, lines: Sequence[str]) -> int:
        """JSON lines as one file; how many records there are now."""
        files = {"file": ("lines.jsonl", "\n".join(lines).encode())}
        self._post(f"/v1/collections/{name}/documents", files=files)
        reply: Json = self._client.get(f"/v1/collections/{name}").json()
        return int(reply["num_records"])

    def timed_search(
        self, name: str, query: str, num: int, ranking: Ranking
    ) -> tuple[list[Hit], float]:
        """The passages, and how long the request took, in milliseconds."""
        body = {
            **{"query": query, "max_num_results": num, "score_threshold": 0},
            **{"kinds": ["passage"], "ranking": ranking},
        }
        began = time.perf_counter()
        reply = self._post(f"/v1/collections/{name}/search", json=body)
        took_ms = 1000 * (time.perf_counter() - began)
        return [Hit(one["text"], one["score"]) for one in reply["data"]], took_ms

    def give_feedback(self, reply_id: str, reference: str) -> None:
        self._post("/v1/feedback", json={"id": reply_id, "reference": reference})

    def _post(self, path: str, **content: Any) -> Json:  # as httpx takes it
        reply = self._client.post(path, **content)
        if reply.status_code != httpx.codes.OK:
            raise RequestFailed(f"{path}: status {reply.status_code}: {reply.text[:300]}")
        body: Json = json.loads(reply.content)
        return body
