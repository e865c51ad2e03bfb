"""Streams as they stand on the wire, comments included."""

import httpx
import openai
import pytest

from tests.server.events import read_stream
from tests.server.questions import COT, GREEDY, MESSAGES, MODEL, VOTE, Json, chat, completion

pytestmark = pytest.mark.vllm
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
USAGE = {"stream_options": {"include_usage": True}}
DECODINGS = pytest.mark.parametrize(
    "decoding", [COT, GREEDY, VOTE], ids=lambda decoding: decoding["strategy"]
)


@DECODINGS
def test_chat_stream_is_the_whole_reply(http: httpx.Client, decoding: Json) -> None:
    whole = http.post(CHAT, json=chat(decoding=decoding)).json()
    stream = read_stream(http, CHAT, chat(decoding=decoding))
    assert stream.chat_text == whole["choices"][0]["message"]["content"] != ""
    assert stream.chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert stream.chunks[-1]["decoding"]["answer"] == whole["decoding"]["answer"]


@DECODINGS
def test_completion_stream_is_the_whole_reply(http: httpx.Client, decoding: Json) -> None:
    whole = http.post(COMPLETIONS, json=completion(decoding=decoding)).json()
    stream = read_stream(http, COMPLETIONS, completion(decoding=decoding))
    assert stream.completion_text == whole["choices"][0]["text"] != ""
    assert stream.chunks[-1]["decoding"]["num_tokens"] == whole["decoding"]["num_tokens"]


@DECODINGS
@pytest.mark.parametrize(
    ("path", "asked"), [(CHAT, chat()), (CHAT, chat(**USAGE)), (COMPLETIONS, completion())]
)
def test_report_stands_on_the_last_chunk_and_where_known_on_the_first(
    http: httpx.Client, decoding: Json, path: str, asked: Json
) -> None:
    stream = read_stream(http, path, {**asked, "decoding": decoding})
    assert stream.lines[-1] == "data: [DONE]"
    first, *between, last = (chunk.get("decoding") for chunk in stream.chunks)
    assert last["strategy"] == decoding["strategy"]
    assert between == [None] * len(between)
    # Of a greedy reply it is known there only where the engine was quicker than the first chunk.
    assert first in ([None, last] if decoding == GREEDY else [last])


@DECODINGS
def test_usage_on_the_last_chunk_counts_every_token(http: httpx.Client, decoding: Json) -> None:
    last = read_stream(http, CHAT, chat(decoding=decoding, **USAGE)).chunks[-1]
    num_tokens = last["decoding"]["num_tokens"]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == num_tokens
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + num_tokens


def test_no_usage_is_sent_that_was_not_asked_for(http: httpx.Client) -> None:
    stream = read_stream(http, CHAT, chat(decoding=COT))
    assert not any(chunk.get("usage") for chunk in stream.chunks)


def test_progress_of_every_path_is_told_before_the_winner(http: httpx.Client) -> None:
    lines = read_stream(http, CHAT, chat(decoding=COT)).lines
    assert lines[:3] == [f": decoding {n}/3 paths" for n in (1, 2, 3)]
    assert not any(line.startswith(":") for line in lines[3:])


def test_winner_comes_as_several_deltas(http: httpx.Client) -> None:
    stream = read_stream(http, CHAT, chat(decoding=COT))
    pieces = [c["choices"][0]["delta"].get("content") for c in stream.chunks if c["choices"]]
    assert sum(bool(piece) for piece in pieces) > 3


def test_greedy_streams_without_comments(http: httpx.Client) -> None:
    assert read_stream(http, CHAT, chat(decoding=GREEDY)).comments == []


def test_official_client_reads_past_comments(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
            max_tokens=120,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"decoding": COT},
        )
    )
    whole = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        max_tokens=120,
        extra_body={"decoding": COT},
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].decoding["answer"] == whole.decoding["answer"]  # type: ignore[attr-defined]  # an extra field


def test_refused_stream_is_a_plain_400(http: httpx.Client) -> None:
    reply = http.post(CHAT, json=chat(decoding={"strategy": "nope"}, stream=True))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["error"]["param"] == "decoding.strategy"


def test_stop_string_cuts_stream_and_reply_alike(http: httpx.Client) -> None:
    body = chat(decoding=COT, stop=["answer"])
    whole = http.post(CHAT, json=body).json()["choices"][0]
    stream = read_stream(http, CHAT, body)
    assert stream.chat_text == whole["message"]["content"]
    assert "answer" not in stream.chat_text
    assert stream.chunks[-1]["choices"][0]["stop_reason"] == whole["stop_reason"] == "answer"


def test_characters_that_span_tokens_arrive_whole(http: httpx.Client) -> None:
    body = chat(decoding=GREEDY, structured_outputs={"regex": "naïve 🦆鸭é🦆"})
    whole = http.post(CHAT, json=body).json()
    stream = read_stream(http, CHAT, body)
    assert whole["usage"]["completion_tokens"] > len("naïve 🦆鸭é🦆")
    assert stream.chat_text == whole["choices"][0]["message"]["content"] == "naïve 🦆鸭é🦆"
