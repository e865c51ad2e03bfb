"""What vLLM cannot make a prompt of is the client's to mend, on every route."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm

REFUSAL = {"type": "refusal", "refusal": "no"}
SAID = {"type": "message", "role": "assistant", "id": "m", "status": "completed"}


@pytest.mark.parametrize("content", [[], [REFUSAL]])
@pytest.mark.parametrize("decoding", [{}, {"decoding": {"strategy": "cot_decoding"}}])
def test_message_without_a_text_is_refused_by_its_field(
    server: ServerProcess, content: list[Any], decoding: dict[str, Any]
) -> None:
    asked = {"input": [{**SAID, "content": content}], **decoding}
    reply = httpx.post(f"{server.url}/v1/responses", json=asked, timeout=60)
    assert reply.status_code == HTTPStatus.BAD_REQUEST
    error = reply.json()["error"]
    assert (error["param"], error["type"]) == ("input", "BadRequestError")
    assert error["message"].startswith("input cannot be made into a prompt") or decoding


def test_message_with_a_text_is_answered(server: ServerProcess) -> None:
    content = [{"type": "output_text", "text": "Hello!", "annotations": []}]
    asked = {"input": [{**SAID, "content": content}, {"role": "user", "content": "Hi"}]}
    reply = httpx.post(f"{server.url}/v1/responses", json=asked, timeout=60)
    assert reply.status_code == HTTPStatus.OK, reply.text
