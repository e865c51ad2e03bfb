"""OpenAI's other fields beside a decoder: each works, or is refused by name."""

import json

import httpx
import pytest

from tests.server.questions import COT, GREEDY, VOTE, Json, chat, completion, response

pytestmark = pytest.mark.vllm
CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "strict": True,  # else any JSON is a call
        "parameters": {
            "type": "object",
            "properties": {"sure": {"type": "boolean"}},
            "required": ["sure"],
            "additionalProperties": False,
        },
    },
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "flag", "schema": TOOL["function"]["parameters"]},
}
COLD = {"temperature": 0}
OVERRIDDEN = "x-winnow-overridden"
BOTH = pytest.mark.parametrize("decoding", [COT, GREEDY], ids=["cot_decoding", "greedy"])


def post(http: httpx.Client, path: str, body: Json) -> Json:
    reply = http.post(path, json=body)
    assert reply.status_code == httpx.codes.OK, reply.text
    content: Json = reply.json()
    return content


def text_of(reply: Json) -> str:
    text: str = reply["choices"][0]["message"]["content"]
    return text


def report_in(stream: str) -> Json:
    """The report on the last chunk, or in the last event of /v1/responses."""
    lines = [line for line in stream.splitlines() if line.startswith("data: {")]
    last: Json = json.loads(lines[-1].removeprefix("data: "))
    report: Json = last.get("response", last)["decoding"]
    return report


def assert_refused(http: httpx.Client, path: str, body: Json, param: str) -> None:
    reply = http.post(path, json=body)
    assert reply.status_code == httpx.codes.BAD_REQUEST, reply.text
    error = reply.json()["error"]
    assert error["param"] == param
    assert body["decoding"]["strategy"] in error["message"]


@BOTH
@pytest.mark.parametrize(
    "fields", [{"n": 2}, {"echo": True}, {"prompt_logprobs": 1}, {"best_of": 3}, {"n": 0}], ids=str
)
def test_what_no_decoder_does_is_refused(http: httpx.Client, decoding: Json, fields: Json) -> None:
    assert_refused(http, CHAT, chat(decoding=decoding, **fields), next(iter(fields)))
    assert_refused(http, COMPLETIONS, completion(decoding=decoding, **fields), next(iter(fields)))


@BOTH
@pytest.mark.parametrize(
    "fields",
    [{"temperature": 0.7}, {"top_p": 0.5}, {"top_k": 5}, {"min_p": 0.1, "temperature": 1}],
    ids=str,
)
def test_sampling_is_set_aside_by_what_is_greedy(
    http: httpx.Client, decoding: Json, fields: Json
) -> None:
    plain = http.post(CHAT, json=chat(decoding=decoding)).json()
    reply = http.post(CHAT, json=chat(decoding=decoding, **fields))
    assert text_of(reply.json()) == text_of(plain)
    assert reply.json()["decoding"]["overridden"] == fields
    assert set(reply.headers[OVERRIDDEN].split(", ")) == set(fields)
    assert plain["decoding"]["overridden"] is None


APIS = pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, chat()), (COMPLETIONS, completion()), (RESPONSES, response())],
    ids=["chat", "completions", "responses"],
)


@APIS
@pytest.mark.parametrize(
    ("decoding", "temperature", "is_set_aside"),
    [
        (COT, 0.7, True),
        (VOTE, 0, True),
        ({**VOTE, "temperature": 0.7}, 1, True),
        ({**VOTE, "temperature": 1}, 1, False),
        (VOTE, 1, False),
    ],
    ids=["greedy", "0 beside samples", "differs", "agrees", "is followed"],
)
def test_what_is_set_aside_is_named_whole_and_streamed(
    http: httpx.Client,
    path: str,
    body: Json,
    decoding: Json,
    temperature: float,
    is_set_aside: bool,
) -> None:
    asked = {**body, "decoding": decoding, "temperature": temperature}
    whole = http.post(path, json=asked)
    streamed = http.post(path, json={**asked, "stream": True})
    reports = [whole.json()["decoding"], report_in(streamed.text)]
    expected = {"temperature": temperature} if is_set_aside else None
    assert [report["overridden"] for report in reports] == [expected] * 2
    name = "temperature" if is_set_aside else None
    assert [reply.headers.get(OVERRIDDEN) for reply in (whole, streamed)] == [name] * 2
    if "temperature" in reports[0]["parameters"]:
        taken = decoding.get("temperature", temperature or 0.7)
        assert reports[0]["parameters"]["temperature"] == taken


def test_temperature_of_0_takes_nothing_else_along(http: httpx.Client) -> None:
    """vLLM drops top_p and min_p beside it: a min_p of 1 leaves the likeliest token alone."""
    decoding = {**VOTE, "temperature": 2, "return_texts": True}
    reply = post(http, CHAT, chat(decoding=decoding, temperature=0, min_p=1))
    texts = {candidate["text"] for candidate in reply["decoding"]["candidates"]}
    assert texts == {text_of(post(http, CHAT, chat(**COLD)))}


def test_seed_of_minus_1_is_none(http: httpx.Client) -> None:
    decoding = {"strategy": "majority_vote", "num_samples": 2}
    for body in (chat(decoding=decoding, seed=-1), chat(decoding={**decoding, "seed": -1})):
        assert "seed" not in post(http, CHAT, body)["decoding"]["parameters"]


@APIS
def test_stream_may_be_without_comments(http: httpx.Client, path: str, body: Json) -> None:
    decoding = {**COT, "progress": False}
    text = http.post(path, json={**body, "decoding": decoding, "stream": True}).text
    assert not [line for line in text.splitlines() if line.startswith(":")]
    assert "progress" not in report_in(text)["parameters"]


@pytest.mark.parametrize(
    "fields",
    [
        {"logprobs": True},
        {"logprobs": True, "top_logprobs": 2},
        {"response_format": {"type": "json_object"}},
        {"response_format": SCHEMA},
        {"structured_outputs": {"regex": "a"}},
        {"tool_choice": "required", "tools": [TOOL]},
        {"presence_penalty": 0.5},
        {"frequency_penalty": 1},
        {"repetition_penalty": 1.3},
        {"logit_bias": {"5": 10}},
        {"bad_words": ["Let"]},
        {"allowed_token_ids": [5]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_branching_refuses_what_would_restart_behind_the_first_token(
    http: httpx.Client, fields: Json
) -> None:
    assert_refused(http, CHAT, chat(decoding=COT, **fields), next(iter(fields)))


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (COMPLETIONS, completion(logprobs=1), "logprobs"),
        (COMPLETIONS, completion(logprobs=0), "logprobs"),
        (COMPLETIONS, completion(prompt=["a", "b"]), "prompt"),
        (RESPONSES, response(text={"format": {"name": "x", **SCHEMA, "schema": {}}}), "text"),
        (RESPONSES, response(include=["message.output_text.logprobs"]), "include"),
        (RESPONSES, response(background=True), "background"),
        (RESPONSES, response(tools=[{"type": "function", "name": "f", "parameters": {}}]), "tools"),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
def test_other_apis_fields_are_refused(
    http: httpx.Client, path: str, body: Json, param: str
) -> None:
    reply = http.post(path, json={**body, "decoding": COT})
    assert reply.status_code == httpx.codes.BAD_REQUEST, reply.text
    assert reply.json()["error"]["param"] == param


@BOTH
@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"temperature": 0},
        {"top_p": 1},
        {"top_k": -1},
        {"logprobs": False},
        {"response_format": {"type": "text"}},
        {"presence_penalty": 0},
        {"repetition_penalty": 1},
        {"seed": 7},
        {"user": "someone"},
        {"tools": [TOOL]},
        {"tools": [TOOL], "tool_choice": "none"},
    ],
    ids=str,
)
def test_values_that_ask_for_nothing_change_nothing(
    http: httpx.Client, decoding: Json, fields: Json
) -> None:
    plain = post(http, CHAT, chat(decoding=decoding))
    assert text_of(post(http, CHAT, chat(decoding=decoding, **fields))) == text_of(plain)


@BOTH
@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [1, 3])
def test_token_limit_binds_every_path(
    http: httpx.Client, decoding: Json, field: str, limit: int
) -> None:
    body = {**chat(decoding=decoding), "max_tokens": None, field: limit}
    reply = post(http, CHAT, body)
    assert reply["choices"][0]["finish_reason"] == "length"
    assert {c["num_tokens"] for c in reply["decoding"]["candidates"]} == {limit}
    assert text_of(reply) != ""


@BOTH
def test_stop_string_ends_every_path_before_it(http: httpx.Client, decoding: Json) -> None:
    whole = post(http, CHAT, chat(decoding={**decoding, "return_texts": True}))
    body = chat(decoding={**decoding, "return_texts": True}, stop=["s"])
    cut = post(http, CHAT, body)
    assert [c["text"] for c in cut["decoding"]["candidates"]] == [
        c["text"].partition("s")[0] for c in whole["decoding"]["candidates"]
    ]
    assert cut["choices"][0]["stop_reason"] == "s"
    assert cut["choices"][0]["finish_reason"] == "stop"


@BOTH
def test_stop_string_is_kept_on_request(http: httpx.Client, decoding: Json) -> None:
    body = chat(decoding=decoding, stop=["s"], include_stop_str_in_output=True)
    assert text_of(post(http, CHAT, body)).endswith("s")


def test_greedy_returns_logprobs(http: httpx.Client) -> None:
    reply = post(http, CHAT, chat(decoding=GREEDY, logprobs=True, top_logprobs=2))
    content = reply["choices"][0]["logprobs"]["content"]
    assert "".join(token["token"] for token in content).startswith(text_of(reply))
    assert all(len(token["top_logprobs"]) == 2 for token in content)
    assert all(t["logprob"] == pytest.approx(t["top_logprobs"][0]["logprob"]) for t in content)


def test_greedy_keeps_to_a_schema(http: httpx.Client) -> None:
    reply = post(http, CHAT, chat(decoding=GREEDY, response_format=SCHEMA))
    assert set(json.loads(text_of(reply))) == {"sure"}


def test_greedy_calls_a_required_tool_as_plain_vllm_does(http: httpx.Client) -> None:
    """The penalty keeps a small model from going on with the whitespace that JSON allows."""
    body = chat(tools=[TOOL], tool_choice="required", frequency_penalty=2)
    replies = [post(http, CHAT, {**body, "decoding": GREEDY}), post(http, CHAT, {**body, **COLD})]
    (greedy,), (plain,) = (r["choices"][0]["message"]["tool_calls"] for r in replies)
    assert greedy["function"]["name"] == "add"
    assert greedy["function"] == plain["function"]


def test_token_ids_are_the_winners(http: httpx.Client) -> None:
    reply = post(http, CHAT, chat(decoding=COT, return_token_ids=True))
    report = reply["decoding"]
    num_tokens = report["candidates"][report["selected"]]["num_tokens"]
    assert len(reply["choices"][0]["token_ids"]) == num_tokens
    assert len(reply["prompt_token_ids"]) == reply["usage"]["prompt_tokens"]
