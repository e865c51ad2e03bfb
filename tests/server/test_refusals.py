"""Bad input: within a second a 400 in OpenAI's shape that names the field; the server lives on."""

import json
import time

import httpx
import pytest

from tests.server.questions import COT, MODEL, Json, chat, completion, response

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
LIMIT_S = 1.0
BAD_REQUEST = httpx.codes.BAD_REQUEST

# decoding, the field that the error names, what its message says
BAD_DECODING: dict[str, tuple[object, str, list[str]]] = {
    "unknown strategy": ({"strategy": "beam"}, "decoding.strategy", ['"beam"', "cot_decoding"]),
    "no strategy": ({}, "decoding.strategy", ["no strategy", "cot_decoding"]),
    "strategy is a list": ({"strategy": ["greedy"]}, "decoding.strategy", ['["greedy"]']),
    "strategy is half a character": (
        {"strategy": "\ud800"},
        "decoding.strategy",
        ["\\ud800"],
    ),
    "unknown key": ({**COT, "kk": 3}, "decoding.kk", ['unknown key "kk"', '"k"', '"selection"']),
    "unknown key is half a character": ({**COT, "\ud800": 3}, "decoding", ["\\ud800"]),
    "key of another strategy": ({"strategy": "greedy", "k": 3}, "decoding.k", ['unknown key "k"']),
    "k is a text": ({**COT, "k": "3"}, "decoding.k", ["integer", '"3"']),
    "k is a fraction": ({**COT, "k": 3.5}, "decoding.k", ["integer", "3.5"]),
    "k is a flag": ({**COT, "k": True}, "decoding.k", ["integer", "true"]),
    "k is null": ({**COT, "k": None}, "decoding.k", ["integer", "null"]),
    "k = 0": ({**COT, "k": 0}, "decoding.k", ["1", "got 0"]),
    "k = -3": ({**COT, "k": -3}, "decoding.k", ["1", "got -3"]),
    "k = 65": ({**COT, "k": 65}, "decoding.k", ["1..64", "got 65"]),
    "k = 10^9": ({**COT, "k": 10**9}, "decoding.k", ["1..64", "got 1000000000"]),
    "k = 10^400": ({**COT, "k": 10**400}, "decoding.k", ["64 bits", "got 1000"]),
    "k is NaN": ({**COT, "k": float("nan")}, "decoding.k", ["finite", "NaN"]),
    "k is infinite": ({**COT, "k": float("inf")}, "decoding.k", ["finite", "Infinity"]),
    "selection": ({**COT, "selection": "mean"}, "decoding.selection", ['"aggregate"', '"mean"']),
    "return_texts": ({**COT, "return_texts": "yes"}, "decoding.return_texts", ['"yes"']),
    "answer": ({**COT, "answer": "colour"}, "decoding.answer", ['"number"', '"colour"']),
    "answer is a list": ({**COT, "answer": [1]}, "decoding.answer", ['"number"', "[1]"]),
    "pattern does not compile": (
        {**COT, "answer": {"pattern": "("}},
        "decoding.answer.pattern",
        ["RE2", '"("'],
    ),
    "pattern has a backreference": (
        {**COT, "answer": {"pattern": r"(a)\1"}},
        "decoding.answer.pattern",
        ["RE2 has no backreferences"],
    ),
    "pattern repeats without bounds": (
        {**COT, "answer": {"pattern": "((a{1000}){1000}){1000}"}},
        "decoding.answer.pattern",
        ["repetition size"],
    ),
    "pattern is long": (
        {**COT, "answer": {"pattern": "a" * 100_000}},
        "decoding.answer.pattern",
        ["1000 characters"],
    ),
    "pattern is a number": (
        {**COT, "answer": {"pattern": 5}},
        "decoding.answer.pattern",
        ["string", "got 5"],
    ),
    "unknown key beside pattern": (
        {**COT, "answer": {"pattern": "a", "flags": "i"}},
        "decoding.answer.flags",
        ['unknown key "flags"', '"pattern"'],
    ),
    "template": ({**COT, "prompt_template": "zz"}, "decoding.prompt_template", ['"qa"', '"zz"']),
    "template on chat": (
        {**COT, "prompt_template": "qa"},
        "decoding.prompt_template",
        ["/v1/completions"],
    ),
    "a list": ([COT], "decoding", ["must be an object", "cot_decoding"]),
    "a text": ("cot_decoding", "decoding", ["must be an object", 'got "cot_decoding"']),
    "a number": (3, "decoding", ["must be an object", "got 3"]),
    "a flag": (False, "decoding", ["must be an object", "got false"]),
}
OTHER_ROUTES = ["/v1/embeddings", "/v1/messages", "/tokenize", "/v1/score", "/pooling"]
MALFORMED = {
    "not JSON": b'{"model": "pocket",',
    "not text": b"\xff\xfe\x00",
    "integer of 5,000 digits": b'{"decoding": {"k": ' + b"9" * 5000 + b"}}",
    "nested 100,000 deep": b'{"decoding": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a list": b"[1]",
}


def refusal(http: httpx.Client, path: str, body: Json | bytes) -> Json:
    """The error object of a refused request, after checking its shape and the time it took."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    began = time.monotonic()
    reply = http.post(path, content=content, headers={"content-type": "application/json"})
    elapsed_s = time.monotonic() - began
    assert reply.status_code == BAD_REQUEST, reply.text
    assert elapsed_s < LIMIT_S
    assert set(reply.json()) - {"type"} == {"error"}  # of Anthropic's errors
    error: Json = reply.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert error["code"] == BAD_REQUEST
    assert isinstance(error["type"], str)
    assert 0 < len(error["message"]) <= 1000
    return error


def assert_serves(http: httpx.Client) -> None:
    reply = http.post(CHAT, json=chat(decoding=COT, max_tokens=4))
    assert reply.status_code == httpx.codes.OK, reply.text


@pytest.mark.parametrize("case", BAD_DECODING)
def test_bad_decoding_is_refused_by_name(http: httpx.Client, case: str) -> None:
    decoding, param, said = BAD_DECODING[case]
    error = refusal(http, CHAT, chat(decoding=decoding))
    assert error["param"] == param
    assert [part for part in said if part not in error["message"]] == []
    assert_serves(http)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/completions", completion()), ("/v1/responses", response())],
    ids=["completions", "responses"],
)
@pytest.mark.parametrize(
    "case", ["k = 0", "a list", "unknown strategy", "pattern does not compile"]
)
def test_every_api_refuses_alike(http: httpx.Client, path: str, body: Json, case: str) -> None:
    decoding, param, _ = BAD_DECODING[case]
    there = refusal(http, path, {**body, "decoding": decoding})
    assert there == refusal(http, CHAT, chat(decoding=decoding))
    assert there["param"] == param


@pytest.mark.parametrize("path", OTHER_ROUTES)
def test_decoding_on_another_route_is_refused(http: httpx.Client, path: str) -> None:
    error = refusal(http, path, {"model": MODEL, "input": "a", "prompt": "a", "decoding": COT})
    assert error["param"] == "decoding"
    assert path in error["message"]
    assert CHAT in error["message"]
    assert_serves(http)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat(temperature=0)),
        ("/v1/completions", completion(temperature=0)),
        ("/v1/responses", response(temperature=0)),
        ("/tokenize", {"model": MODEL, "prompt": "a"}),
    ],
    ids=["chat", "completions", "responses", "tokenize"],
)
def test_null_is_as_if_it_were_absent(http: httpx.Client, path: str, body: Json) -> None:
    reply = http.post(path, json={**body, "decoding": None, "timeout_s": None})
    assert reply.status_code == httpx.codes.OK, reply.text
    assert "decoding" not in reply.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat()),
        ("/v1/completions", completion()),
        ("/v1/responses", response()),
        ("/v1/messages", {**chat(), "max_tokens": 4}),
        ("/tokenize", {"model": MODEL, "prompt": "a"}),
    ],
    ids=["chat", "completions", "responses", "messages", "tokenize"],
)
@pytest.mark.parametrize("name", ["Decoding", "strategy", "decodings", "extra_body", "Timeout_s"])
def test_misspelt_field_is_refused_by_name(
    http: httpx.Client, path: str, body: Json, name: str
) -> None:
    error = refusal(http, path, {**body, name: {"decoding": COT}})
    assert error["param"] == name
    assert "decoding" in error["message"] or "timeout_s" in error["message"]


def test_parameter_beside_an_alias_is_refused(http: httpx.Client) -> None:
    error = refusal(http, CHAT, chat(model=f"{MODEL}:cot_decoding", k=3))
    assert error["param"] == "k"
    assert "inside `decoding`" in error["message"]


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"messages": 5}, "messages", "must be a list of messages, got 5"),
        ({"messages": None}, "messages", "must be a list of messages, got null"),
        ({"tools": "f"}, "tools", 'must be a list, got "f"'),
        ({"stop": list("abcde")}, "stop", "at most 4 items"),
        ({"structured_outputs": {}}, "structured_outputs", "json, regex, choice"),
        ({"chat_template_kwargs": {"messages": []}}, None, "another type"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_reason_is_told_in_words_of_json(
    http: httpx.Client, fields: Json, param: str | None, said: str
) -> None:
    error = refusal(http, CHAT, chat(**fields))
    assert error["param"] == param
    assert said in error["message"]


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/tokenize", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("model", ["nope", f"{MODEL}:beam", "nope:greedy"])
def test_unknown_model_is_told_of_those_that_are_served(
    http: httpx.Client, path: str, model: str
) -> None:
    reply = http.post(path, json={**chat(), "prompt": "a", "model": model})
    assert reply.status_code == httpx.codes.NOT_FOUND
    message = reply.json()["error"]["message"]
    assert f'"{model}" is not served' in message
    assert f'lists "{MODEL}", each also as MODEL:STRATEGY: greedy' in message


def test_alias_is_counted_as_its_model_and_refused_where_no_decoder_runs(
    http: httpx.Client,
) -> None:
    alias = f"{MODEL}:cot_decoding"
    for path in ("/tokenize", "/v1/messages/count_tokens"):
        counts = [http.post(path, json=chat(model=model)).json() for model in (alias, MODEL)]
        assert counts[0] == counts[1] != {}
    error = refusal(http, "/v1/messages", {**chat(model=alias), "max_tokens": 4})
    assert error["param"] == "model"
    assert CHAT in error["message"]


def test_route_is_answered_behind_a_slash_and_to_head(http: httpx.Client) -> None:
    body = chat(decoding=COT, max_tokens=4)
    assert http.post(f"{CHAT}/", json=body).json()["decoding"]["strategy"] == "cot_decoding"
    for path in ("/v1/models", "/v1/models/", f"/v1/models/{MODEL}/", "/metrics/", "/version"):
        head, get = http.head(path), http.get(path)
        assert head.status_code == get.status_code == httpx.codes.OK
        assert head.content == b""


def test_unknown_route_is_not_found_in_openais_shape(http: httpx.Client) -> None:
    reply = http.post("/v1/embeddings", json={"model": MODEL, "input": "a"})
    assert reply.status_code == httpx.codes.NOT_FOUND
    assert reply.json()["error"]["code"] == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_body_is_refused(http: httpx.Client, case: str) -> None:
    refusal(http, CHAT, MALFORMED[case])
    assert_serves(http)


@pytest.mark.parametrize("num_words", [2100, 140_000], ids=["just too long", "far too long"])
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses"])
def test_prompt_longer_than_the_context_is_refused(
    http: httpx.Client, path: str, num_words: int
) -> None:
    text = "apples " * num_words
    body = {
        CHAT: {"messages": [{"role": "user", "content": text}]},
        "/v1/completions": {"prompt": text},
        "/v1/responses": {"input": text},
    }[path]
    error = refusal(http, path, {"model": MODEL, **body, "decoding": COT})
    assert "2048" in error["message"]
    assert error["param"] is not None
    assert_serves(http)


@pytest.mark.parametrize("max_tokens", [0, -1, 10**6, 10**400, "ten", 1.5])
def test_bad_max_tokens_is_refused(http: httpx.Client, max_tokens: object) -> None:
    error = refusal(http, CHAT, chat(max_tokens=max_tokens, decoding=COT))
    assert "max_tokens" in f"{error['param']} {error['message']}"


def test_alias_and_field_must_not_contradict(http: httpx.Client) -> None:
    error = refusal(
        http, CHAT, chat(model=f"{MODEL}:cot_decoding", decoding={"strategy": "greedy"})
    )
    assert error["param"] == "decoding.strategy"
    assert '"greedy"' in error["message"]
    assert '"cot_decoding"' in error["message"]


def test_pattern_that_backtracking_engines_choke_on_is_bounded(http: httpx.Client) -> None:
    decoding = {**COT, "answer": {"pattern": "(a+)+$"}}
    began = time.monotonic()
    reply = http.post(CHAT, json=chat(decoding=decoding, max_tokens=4))
    assert reply.status_code == httpx.codes.OK, reply.text
    assert time.monotonic() - began < LIMIT_S


def test_message_stays_short_whatever_was_sent(http: httpx.Client) -> None:
    error = refusal(http, CHAT, chat(decoding={**COT, "x" * 100_000: 1}))
    assert len(error["message"]) <= 500
