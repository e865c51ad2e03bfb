"""Each program asks once a session: its start takes longer than its questions."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest

from tests.clients.client_programs import Json, python_folder, replies_of_node, replies_of_python
from tests.server.questions import chat
from tests.server.server_process import ServerProcess

PYTHON_CLIENTS = ("langchain", "litellm", "pydantic_ai", "openai_agents", "instructor", "readme")


@dataclass(frozen=True)
class Expected:
    """What the server replies to a plain request and to one with CoT-decoding."""

    plain: Json
    decoded: Json


@pytest.fixture(scope="session")
def replies_of(server: ServerProcess) -> Callable[[str], Json]:
    """What a client replied to each way of asking."""

    @cache
    def of_own() -> Json:
        return replies_of_python(Path(sys.executable), server, "openai")

    @cache
    def of_python() -> Json:
        return replies_of_python(python_folder() / "bin" / "python", server, *PYTHON_CLIENTS)

    @cache
    def of_node() -> Json:
        return replies_of_node(server)

    def of(client: str) -> Json:
        replies: Json = _program_of(client)()[client]
        return replies

    def _program_of(client: str) -> Callable[[], Json]:
        if client == "openai":
            return of_own
        return of_python if client in PYTHON_CLIENTS else of_node

    return of


@pytest.fixture(scope="session")
def expected(http: httpx.Client) -> Expected:
    def told(**fields: object) -> Json:
        content = http.post("/v1/chat/completions", json=chat(temperature=0, **fields)).json()
        return {
            "text": content["choices"][0]["message"]["content"],
            "output_tokens": content["usage"]["completion_tokens"],
            "answer": content.get("decoding", {}).get("answer"),
        }

    return Expected(told(), told(decoding={"strategy": "cot_decoding"}))
