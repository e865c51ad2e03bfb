"""Hostile schemas and grammars: at once a 400 that names the field, and nobody else waits."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import pytest

from tests.server.questions import MODEL, Json, chat, completion, response
from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
ANSWER_S = 3.0
HEALTH_S = 2.0
CIRCULAR: Json = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
NESTED_LOOPS = " ".join(['([a-z]{1,90} | [0-9]{1,91} "x")*'] * 900)


def formatted(schema: Json) -> Json:
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    }


def outputs(**given: object) -> Json:
    return {"structured_outputs": given}


HOSTILE: dict[str, tuple[Json, str]] = {
    "circular": (formatted(CIRCULAR), "response_format.json_schema.schema"),
    "50,000 values": (
        formatted({"enum": [f"value {i}" for i in range(50_000)]}),
        "response_format.json_schema.schema",
    ),
    "5,000 properties": (
        formatted({"properties": {f"p{i}": {"type": "string"} for i in range(5000)}}),
        "response_format.json_schema.schema",
    ),
    "a text": ({"structured_outputs": "json"}, "structured_outputs"),
    "regex that does not parse": (outputs(regex="("), "structured_outputs.regex"),
    "grammar that does not parse": (outputs(grammar="root ::= ("), "structured_outputs.grammar"),
    "grammar 60,000 deep": (
        outputs(grammar="root ::= " + "(" * 60_000),
        "structured_outputs.grammar",
    ),
    "grammar that nothing conforms to": (
        outputs(grammar="root ::= root"),
        "structured_outputs.grammar",
    ),
    "grammar of nested loops": (
        outputs(grammar=f"root ::= {NESTED_LOOPS}"),
        "structured_outputs.grammar",
    ),
}
BODIES: dict[str, Json] = {
    "/v1/completions": completion(),
    "/v1/responses": response(),
    CHAT: chat(),
}


@contextmanager
def health_within(server: ServerProcess, limit_s: float) -> Iterator[None]:
    """Ask /health over and over while the block runs; no answer may take longer."""
    is_over = Event()
    took_s: list[float] = []

    def ask() -> None:
        with server.http() as http:
            while not (took_s and is_over.is_set()):
                began = time.monotonic()
                assert http.get("/health").status_code == httpx.codes.OK
                took_s.append(time.monotonic() - began)

    asking = Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        is_over.set()
        asking.join()
    assert max(took_s) < limit_s


def refusal(http: httpx.Client, path: str, body: Json) -> Json:
    began = time.monotonic()
    reply = http.post(path, json=body)
    assert reply.status_code == httpx.codes.BAD_REQUEST, reply.text
    assert time.monotonic() - began < ANSWER_S
    error: Json = reply.json()["error"]
    return error


@pytest.fixture(scope="module", autouse=True)
def helper_started(http: httpx.Client) -> None:
    """The first schema starts the process that compiles, which is no request's time."""
    assert http.post(CHAT, json=chat(max_tokens=1, **outputs(regex="a"))).is_success


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_request_is_refused_and_holds_nobody_up(
    server: ServerProcess, http: httpx.Client, case: str
) -> None:
    asked, field = HOSTILE[case]
    with health_within(server, HEALTH_S):
        error = refusal(http, CHAT, chat(**asked))
    assert error["param"] == field
    assert error["message"].startswith(field)
    assert http.post(CHAT, json=chat(max_tokens=2, **outputs(regex="[ab]"))).is_success


@pytest.mark.parametrize("path", BODIES)
def test_every_api_refuses(http: httpx.Client, path: str) -> None:
    error = refusal(http, path, {**BODIES[path], "structured_outputs": "json"})
    assert error["param"] == "structured_outputs"


def test_tools_of_messages_are_bounded(http: httpx.Client) -> None:
    body = {"model": MODEL, "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    assert http.post("/v1/messages", json={**body, "tools": [tool]}).is_success
    hostile = {**body, "tools": [{**tool, "input_schema": {"$ref": "#"}}]}
    assert refusal(http, "/v1/messages", hostile)["param"] == "tools[0].input_schema"


def test_batch_is_bounded(http: httpx.Client) -> None:
    body = chat(**formatted(CIRCULAR | {"$ref": "#/$defs/a"}))
    body["messages"] = [body["messages"]]
    error = refusal(http, f"{CHAT}/batch", body)
    assert error["param"] == "response_format.json_schema.schema"


def test_recursion_through_a_property_is_served(http: httpx.Client) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["next"],
        "additionalProperties": False,
    }
    reply = http.post(
        CHAT, json=chat(**formatted({"$defs": {"node": node}, "$ref": "#/$defs/node"}))
    )
    assert reply.status_code == httpx.codes.OK, reply.text
    content = reply.json()["choices"][0]["message"]["content"]
    assert content.startswith('{"next":')


def test_ordinary_schema_is_served(http: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}
    reply = http.post(CHAT, json=chat(**formatted(schema | {"additionalProperties": False})))
    assert reply.status_code == httpx.codes.OK, reply.text
    assert set(json.loads(reply.json()["choices"][0]["message"]["content"])) == {"n"}
