from typing import Any

import openai
import pytest

from tests.server.questions import COT, GREEDY, MESSAGES, MODEL, QUESTION

pytestmark = pytest.mark.vllm


def create(client: openai.OpenAI, **fields: Any) -> Any:
    body = {"model": MODEL, "input": QUESTION, "max_output_tokens": 120, **fields}
    return client.responses.create(**body)


def test_reply_is_the_selected_candidate_with_its_report(client: openai.OpenAI) -> None:
    reply = create(client, extra_body={"decoding": {**COT, "return_texts": True}})
    report = reply.decoding
    assert reply.object == "response"
    assert reply.status == "completed"
    assert reply.output_text == report["candidates"][report["selected"]]["text"]
    assert reply.usage.output_tokens == report["num_tokens"]
    assert reply.usage.total_tokens == reply.usage.input_tokens + report["num_tokens"]


def test_reply_is_that_of_chat(client: openai.OpenAI) -> None:
    chat = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        max_tokens=120,
        extra_body={"decoding": COT},
    )
    assert create(client, extra_body={"decoding": COT}).output_text == (
        chat.choices[0].message.content
    )


@pytest.mark.parametrize("decoding", [COT, GREEDY], ids=["cot_decoding", "greedy"])
def test_streamed_reply_is_the_whole_reply(client: openai.OpenAI, decoding: dict[str, Any]) -> None:
    whole = create(client, extra_body={"decoding": decoding})
    events = list(create(client, stream=True, extra_body={"decoding": decoding}))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    completed = events[-1]
    assert completed.type == "response.completed"
    assert text == whole.output_text == completed.response.output_text
    assert completed.response.decoding["answer"] == whole.decoding["answer"]
    assert completed.response.usage.output_tokens == whole.usage.output_tokens
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert not any(hasattr(getattr(e, "response", None), "decoding") for e in events[:-1])


def test_cut_reply_is_incomplete(client: openai.OpenAI) -> None:
    reply = create(client, max_output_tokens=2, extra_body={"decoding": COT})
    assert reply.status == "incomplete"
    assert reply.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("decoding", [None, COT, GREEDY], ids=["plain", "cot_decoding", "greedy"])
def test_stream_that_is_cut_ends_as_incomplete(
    client: openai.OpenAI, decoding: dict[str, Any] | None
) -> None:
    extra = {"decoding": decoding} if decoding else {}
    events = list(create(client, stream=True, max_output_tokens=2, temperature=0, extra_body=extra))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.status == "incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert "response.completed" not in {e.type for e in events}
    if decoding:
        assert last.response.decoding["num_tokens"] == last.response.usage.output_tokens


@pytest.mark.parametrize(
    "entry",
    ["reasoning.encrypted_content", "file_search_call.results", "message.input_image.image_url"],
)
def test_what_agents_include_is_no_matter_to_decoders(client: openai.OpenAI, entry: str) -> None:
    assert create(client, include=[entry], extra_body={"decoding": COT}).status == "completed"


def test_alias_chooses_the_decoder(client: openai.OpenAI) -> None:
    reply = create(client, model=f"{MODEL}:cot_decoding")
    assert reply.decoding["strategy"] == "cot_decoding"
    assert reply.decoding["parameters"]["k"] == 10
