"""Requests that would be ordinary but for what a case puts in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.hostile.case import NO_HEADERS, Case, Expectation, Headers, Target
from loadtest.hostile.wire import as_json, request

Json = dict[str, Any]
CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
MAX_TOKENS = 4


def chat(target: Target, **fields: Any) -> Json:
    message = {"role": "user", "content": "What is 2 + 3?"}
    return {
        "model": target.model,
        "messages": [message],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
        **fields,
    }


def completion(target: Target, **fields: Any) -> Json:
    return {"model": target.model, "prompt": "2 + 3 =", "max_tokens": MAX_TOKENS, **fields}


def response(target: Target, **fields: Any) -> Json:
    return {"model": target.model, "input": "2 + 3?", "max_output_tokens": MAX_TOKENS, **fields}


def anthropic(target: Target, **fields: Any) -> Json:
    message = {"role": "user", "content": "What is 2 + 3?"}
    return {"model": target.model, "messages": [message], "max_tokens": MAX_TOKENS, **fields}


@dataclass(frozen=True)
class Group:
    """Makes a group's cases out of bodies for one target."""

    name: str
    target: Target

    def post(
        self,
        name: str,
        path: str,
        body: Any,  # JSON, or bytes that are sent as they are
        expect: Expectation,
        headers: Headers = NO_HEADERS,
    ) -> Case:
        content = body if isinstance(body, bytes) else as_json(body)
        sent = request(self.target, "POST", path, content, headers)
        return Case(self.name, name, (sent,), expect)

    def chat(self, name: str, expect: Expectation, **fields: Any) -> Case:
        return self.post(name, CHAT, chat(self.target, **fields), expect)

    def chats(self, bad: Mapping[str, Json], expect: Expectation) -> Iterator[Case]:
        for name, fields in bad.items():
            yield self.chat(name, expect, **fields)
