"""Server-sent events as they stand on the wire."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class Stream:
    """A whole stream: `lines` in order, `chunks` the JSON of its data lines before [DONE]."""

    lines: list[str]
    chunks: list[Json]

    @property
    def comments(self) -> list[str]:
        return [line for line in self.lines if line.startswith(":")]

    @property
    def chat_text(self) -> str:
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk["choices"]]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def completion_text(self) -> str:
        return "".join(choice["text"] for chunk in self.chunks for choice in chunk["choices"])


def read_stream(http: httpx.Client, path: str, body: Json) -> Stream:
    with http.stream("POST", path, json={**body, "stream": True}) as reply:
        assert reply.status_code == httpx.codes.OK, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        return stream_of(reply.iter_lines())


def stream_of(text: Iterable[str]) -> Stream:
    lines = [line for line in text if line]
    payloads = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return Stream(lines, [json.loads(payload) for payload in payloads if payload != "[DONE]"])
