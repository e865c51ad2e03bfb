"""OpenAI's own client for Python."""

import json
from typing import Any

import openai
from ways import ALIAS, BAD_FIELD, FIELD, MAX_TOKENS, MESSAGES, MODEL, QUESTION, Json, Ways, reply

client = openai.OpenAI(max_retries=0)
WITH_USAGE = {"include_usage": True}


def report_of(content: Any) -> Json | None:  # the client's model of a reply
    return (content.model_extra or {}).get("decoding")


def of_chat(completion: Any) -> Json:  # one that was streamed is another model
    choice = completion.choices[0]
    num_tokens = completion.usage.completion_tokens
    return reply(choice.message.content, choice.finish_reason, num_tokens, report_of(completion))


def fields(model: str, extra: Json) -> Json:
    return {"model": model, "temperature": 0, "extra_body": extra}


def chat(model: str, **extra: object) -> Json:
    asked = fields(model, extra)
    return of_chat(
        client.chat.completions.create(messages=MESSAGES, max_tokens=MAX_TOKENS, **asked)
    )


def chat_stream(model: str, **extra: object) -> Json:
    """The final completion that the client puts together."""
    asked = {**fields(model, extra), "max_tokens": MAX_TOKENS, "stream_options": WITH_USAGE}
    with client.chat.completions.stream(messages=MESSAGES, **asked) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = of_chat(stream.get_final_completion())
    assert "".join(deltas) == final["text"]
    return final


def chat_chunks(model: str, **extra: object) -> Json:
    asked = {**fields(model, extra), "max_tokens": MAX_TOKENS, "stream_options": WITH_USAGE}
    chunks = list(client.chat.completions.create(messages=MESSAGES, stream=True, **asked))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    text = "".join(choice.delta.content or "" for choice in choices)
    last = chunks[-1]
    num_tokens = last.usage.completion_tokens
    return reply(text, choices[-1].finish_reason, num_tokens, report_of(last))


def of_response(response: Any) -> Json:
    num_tokens = response.usage.output_tokens
    return reply(response.output_text, response.status, num_tokens, report_of(response))


def respond(model: str, **extra: object) -> Json:
    return of_response(client.responses.create(input=QUESTION, **fields(model, extra)))


def response_stream(model: str, **extra: object) -> Json:
    with client.responses.stream(input=QUESTION, **fields(model, extra)) as stream:
        deltas = [e.delta for e in stream if e.type == "response.output_text.delta"]
        final = of_response(stream.get_final_response())
    assert "".join(deltas) == final["text"]
    return final


def encrypted(model: str) -> Json:
    """What agents ask of /v1/responses for reasoning models."""
    asked = {"include": ["reasoning.encrypted_content"], "store": False, **fields(model, {})}
    return of_response(client.responses.create(input=QUESTION, **asked))


def cut(model: str, max_output_tokens: int) -> Json:
    asked = {"max_output_tokens": max_output_tokens, "stream": True, **fields(model, {})}
    *_, last = client.responses.create(input=QUESTION, **asked)
    return {"type": last.type, "reason": last.response.incomplete_details.reason}


def parsed(model: str) -> Json:
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}},
        "required": ["sure"],
        "additionalProperties": False,
    }
    completion = client.chat.completions.parse(
        model=model,
        messages=MESSAGES,
        response_format={"type": "json_schema", "json_schema": {"name": "flag", "schema": schema}},
    )
    return {"value": json.loads(completion.choices[0].message.content)}


WAYS: Ways = {
    "plain": lambda: chat(MODEL),
    "alias": lambda: chat(ALIAS),
    "field": lambda: chat(MODEL, **FIELD),
    "plain_stream": lambda: chat_stream(MODEL),
    "alias_stream": lambda: chat_stream(ALIAS),
    "field_stream": lambda: chat_stream(MODEL, **FIELD),
    "alias_chunks": lambda: chat_chunks(ALIAS),
    "plain_response": lambda: respond(MODEL),
    "alias_response": lambda: respond(ALIAS),
    "field_response": lambda: respond(MODEL, **FIELD),
    "alias_response_stream": lambda: response_stream(ALIAS),
    "field_response_stream": lambda: response_stream(MODEL, **FIELD),
    "encrypted_response": lambda: encrypted(ALIAS),
    "cut_plain": lambda: cut(MODEL, 2),
    "cut_alias": lambda: cut(ALIAS, 2),
    "bad": lambda: chat(MODEL, **BAD_FIELD),
    "bad_stream": lambda: chat_stream(MODEL, **BAD_FIELD),
    "bad_response": lambda: respond(MODEL, **BAD_FIELD),
    "structured": lambda: parsed(MODEL),
}
