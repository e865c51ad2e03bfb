"""Client libraries ask for a plain reply, by alias and by an extra field, whole and streamed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.clients.client_programs import Json, node_folder, run, snippets
from tests.clients.conftest import Expected
from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm
BAD = ("bad", "bad_stream", "bad_response")
DECODED = ("alias", "field")
IS_DONE = "stop"
ANSWER = re.compile(r".*The answer is 64\.( 64)?")


@dataclass(frozen=True)
class Client:
    """A client, and what its user sees beside the text."""

    name: str
    reports: frozenset[str] = frozenset()
    """Ways of asking after which the client hands on the report."""
    responses_are: str | None = "completed"
    """What it says of a complete reply of /v1/responses."""
    chats_are: str | None = IS_DONE
    error: str = "BadRequestError"
    has_param: bool = True
    """Whether its error has the field's name as an attribute."""


CHAT = frozenset({"alias", "field"})
STREAMS = frozenset({"alias_stream", "field_stream"})
RESPONSES = frozenset({"alias_response", "field_response"})
RESPONSE_STREAMS = frozenset({"alias_response_stream", "field_response_stream"})
ALL = CHAT | STREAMS | RESPONSES | RESPONSE_STREAMS
CLIENTS = (
    Client("openai", ALL | {"alias_chunks", "encrypted_response"}),
    Client("openai_node", ALL),
    Client("ai_sdk_compatible", CHAT | STREAMS, error="APICallError"),
    Client(
        "ai_sdk_openai",
        frozenset({"alias", "alias_stream", "alias_response", "alias_response_stream"}),
        responses_are=IS_DONE,
    ),
    Client("langchain", error="OpenAIInvalidRequestError"),
    Client("litellm", CHAT | {"alias_response"}),
    Client("pydantic_ai", responses_are=IS_DONE, error="ModelHTTPError", has_param=False),
    Client("openai_agents", RESPONSE_STREAMS, responses_are=None, chats_are=None),
)
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
Replies = Callable[[str], Json]


def of_ways(replies: Json, *prefixes: str) -> Json:
    return {way: reply for way, reply in replies.items() if way.startswith(prefixes)}


@each_client
def test_user_sees_the_reply_of_the_server(
    client: Client, replies_of: Replies, expected: Expected
) -> None:
    replies = of_ways(replies_of(client.name), "plain", *DECODED)
    assert {"plain", "alias", "plain_stream", "alias_stream"} <= set(replies)
    for way, reply in replies.items():
        assert "error" not in reply, way
        of_server = expected.plain if way.startswith("plain") else expected.decoded
        assert reply["text"] == of_server["text"], way
        if way != "alias_completion_stream":  # strings alone
            assert reply["output_tokens"] == of_server["output_tokens"], way
        state = client.responses_are if "_response" in way else client.chats_are
        assert reply["finish_reason"] == state, way


@each_client
def test_user_sees_the_report_where_the_client_hands_it_on(
    client: Client, replies_of: Replies, expected: Expected
) -> None:
    replies = replies_of(client.name)
    answers = {way: answer for way, reply in replies.items() if (answer := reply.get("answer"))}
    ways = client.reports & set(replies)
    assert answers == dict.fromkeys(ways, expected.decoded["answer"])


@each_client
def test_bad_decoder_is_the_clients_own_error(client: Client, replies_of: Replies) -> None:
    if not (errors := of_ways(replies_of(client.name), *BAD)):
        assert client.name == "ai_sdk_openai", "it has no way to send the field"
    for error in errors.values():
        assert error["error"] == client.error
        assert error["status"] == 400
        assert 'strategy must be one of "greedy", ' in error["message"]
        assert error["param"] == ("decoding.strategy" if client.has_param else None)
        assert client.has_param or "'param': 'decoding.strategy'" in error["message"]


@each_client
def test_tool_is_called(client: Client, replies_of: Replies) -> None:
    for call in of_ways(replies_of(client.name), "tool").values():
        assert call["name"] == "add"
        assert set(call["arguments"]) == {"sure"}


@each_client
def test_structured_output_is_read(client: Client, replies_of: Replies) -> None:
    for reply in of_ways(replies_of(client.name), "structured").values():
        assert set(reply["value"]) == {"sure"}


@pytest.mark.parametrize("way", ["cut_plain", "cut_alias"])
def test_stream_that_was_cut_ends_as_incomplete(replies_of: Replies, way: str) -> None:
    assert replies_of("openai")[way] == {
        "type": "response.incomplete",
        "reason": "max_output_tokens",
    }


def test_reasoning_that_is_not_there_may_be_asked_for(
    replies_of: Replies, expected: Expected
) -> None:
    reply = replies_of("openai")["encrypted_response"]
    assert reply["text"] == expected.decoded["text"], reply


@pytest.mark.parametrize(
    ("way", "keys"),
    [("json", set()), ("schema", {"sure"}), ("tool", set())],
    ids=["json", "schema", "tool"],
)
def test_instructor_gives_a_value_and_the_report(
    replies_of: Replies, way: str, keys: set[str]
) -> None:
    strategies = {"field": "greedy", "alias": "majority_vote"}
    replies = of_ways(replies_of("instructor"), way)
    assert {f"{way}_field", way} <= set(replies)
    for name, reply in replies.items():
        assert set(reply["value"]) == keys, name
        assert reply["strategy"] == strategies.get(name.rpartition("_")[2]), name


def test_instructors_error_is_caused_by_that_of_openai(replies_of: Replies) -> None:
    error = replies_of("instructor")["bad"]
    assert (error["error"], error["status"]) == ("BadRequestError", 400)
    assert error["param"] == "decoding.strategy"


def test_readme_code_prints_the_answer(replies_of: Replies) -> None:
    replies = replies_of("readme").values()
    assert len(replies) == len(snippets("python")) > 0
    for reply in replies:
        assert "error" not in reply, reply
        if "instructor" in reply["code"]:
            assert reply["printed"] in ("is_even=True\n", "is_even=False\n")
        else:
            assert_answers(reply["printed"], reply["code"].count("print("))


@pytest.mark.parametrize("code", snippets("js"), ids=["openai", "ai_sdk"])
def test_readme_code_for_node_prints_the_answer(server: ServerProcess, code: str) -> None:
    command = ("node", "--input-type=module")
    asked = f"const question = process.env.QUESTION;\n{code}"
    printed = run(command, server, cwd=node_folder(), input=asked)
    assert_answers(printed, code.count("console.log("))


def assert_answers(printed: str, num_lines: int) -> None:
    """Each line is the reply, and may have the report's answer behind it."""
    lines = printed.splitlines()
    assert len(lines) == num_lines
    assert [line for line in lines if not ANSWER.fullmatch(line)] == []
