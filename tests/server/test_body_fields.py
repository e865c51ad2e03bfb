"""Fields that vLLM fails at are refused by name, on every route and whole or streamed."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.server.events import read_stream
from tests.server.questions import GREEDY

pytestmark = pytest.mark.vllm

CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
MESSAGES = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"messages": MESSAGES, "max_tokens": 4},
    COMPLETIONS: {"prompt": "Hi", "max_tokens": 4},
    RESPONSES: {"input": "Hi", "max_output_tokens": 4},
    "/v1/messages": {"model": "pocket", "messages": MESSAGES, "max_tokens": 4},
}
NO_MESSAGES: list[Any] = [None, "Hi", 5, {}, True]


def refusal(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = http.post(path, json=body)
    assert reply.status_code == HTTPStatus.BAD_REQUEST, reply.text
    error: dict[str, Any] = reply.json()["error"]
    return error


@pytest.mark.parametrize("value", NO_MESSAGES)
@pytest.mark.parametrize(
    ("path", "field"),
    [(CHAT, "messages"), (RESPONSES, "input"), ("/v1/messages", "messages")],
)
def test_required_field_of_a_wrong_type_is_told_in_words_of_the_api(
    http: httpx.Client, path: str, field: str, value: Any
) -> None:
    if isinstance(value, str) and path == RESPONSES:
        pytest.skip("a text is right there")
    error = refusal(http, path, {**BODIES[path], field: value})
    assert error["param"] == field
    assert "must be a" in error["message"]
    assert "NoneType" not in error["message"]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("name", ["kv_transfer_params", "ec_transfer_params"])
def test_transfers_are_refused_as_a_field_and_as_an_argument(
    http: httpx.Client, path: str, name: str
) -> None:
    for value in ({"do_remote_prefill": True}, {}):
        error = refusal(http, path, {**BODIES[path], name: value})
        assert error["param"] == name
        assert "transfer-config" in error["message"]
    for argument in ("x", 5, ["a"], {"a": 1}):
        body = {**BODIES[path], "vllm_xargs": {name: argument}}
        assert refusal(http, path, body)["param"] == f"vllm_xargs.{name}"


NARROWED: list[tuple[str, dict[str, Any]]] = [
    ("allowed_token_ids", {"allowed_token_ids": [5]}),
    ("bad_words", {"bad_words": ["yes"]}),
    ("min_tokens", {"min_tokens": 30, "max_tokens": 40}),
]
FORMATS: list[dict[str, Any]] = [
    {"structured_outputs": {"choice": ["yes"]}},
    {"structured_outputs": {"regex": "yes"}},
]


@pytest.mark.parametrize(("field", "fields"), NARROWED, ids=[name for name, _ in NARROWED])
@pytest.mark.parametrize("form", FORMATS, ids=["choice", "regex"])
@pytest.mark.parametrize("decoding", [{}, {"decoding": GREEDY}], ids=["plain", "greedy"])
def test_grammar_without_a_token_left_is_the_requests_fault(
    http: httpx.Client,
    field: str,
    fields: dict[str, Any],
    form: dict[str, Any],
    decoding: dict[str, Any],
) -> None:
    body = {"messages": MESSAGES, "max_tokens": 8, "temperature": 0, **fields, **form, **decoding}
    reply = http.post(CHAT, json=body)
    if reply.status_code != HTTPStatus.OK:  # where a token is left it is answered
        assert reply.status_code == HTTPStatus.BAD_REQUEST, reply.text
        assert reply.json()["error"]["param"] == field
    stream = read_stream(http, CHAT, body)
    error = stream.chunks[-1].get("error")
    assert (error is None) == (reply.status_code == HTTPStatus.OK)
    if error is not None:
        assert error["code"] == HTTPStatus.BAD_REQUEST
        assert field in error["message"]


def test_allowed_tokens_that_no_format_takes_are_refused(http: httpx.Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    for path, fields in (
        (CHAT, {"response_format": form}),
        (CHAT, {"response_format": {"type": "json_object"}}),
        (COMPLETIONS, {"response_format": form}),
    ):
        body = {**BODIES[path], **fields, "allowed_token_ids": [7, 9]}
        assert refusal(http, path, body)["param"] == "allowed_token_ids"
