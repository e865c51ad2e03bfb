"""LiteLLM, as a client of a server that speaks OpenAI's API."""

import json
from typing import Any

import litellm
from ways import (
    ALIAS,
    BAD_FIELD,
    FIELD,
    FREQUENCY_PENALTY,
    MAX_TOKENS,
    MESSAGES,
    MODEL,
    QUESTION,
    Json,
    Ways,
    reply,
)

litellm.suppress_debug_info = True
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"sure": {"type": "boolean"}},
            "required": ["sure"],
            "additionalProperties": False,
        },
    },
}


def asked(model: str, **fields: Any) -> Json:
    sampling = {"temperature": 0, "max_tokens": MAX_TOKENS, "num_retries": 0}
    return {"model": f"openai/{model}", "messages": MESSAGES, **sampling, **fields}


def of_chat(completion: Any) -> Json:
    choice = completion.choices[0]
    num_tokens = completion.usage.completion_tokens
    report = getattr(completion, "decoding", None)
    return reply(choice.message.content, choice.finish_reason, num_tokens, report)


def chat(model: str, **fields: Any) -> Json:
    return of_chat(litellm.completion(**asked(model, **fields)))


def chat_stream(model: str, **fields: Any) -> Json:
    """The completion that LiteLLM puts together of its chunks."""
    usage = {"include_usage": True}
    chunks = list(litellm.completion(**asked(model, **fields), stream=True, stream_options=usage))
    return of_chat(litellm.stream_chunk_builder(chunks, messages=MESSAGES))


def respond(model: str) -> Json:
    sampling = {"temperature": 0, "num_retries": 0}
    response = litellm.responses(model=f"openai/{model}", input=QUESTION, **sampling)
    text, num_tokens = response.output[0].content[0].text, response.usage.output_tokens
    return reply(text, response.status, num_tokens, getattr(response, "decoding", None))


def call_tool() -> Json:
    fields = {"tools": [TOOL], "tool_choice": "required", "frequency_penalty": FREQUENCY_PENALTY}
    completion = litellm.completion(**asked(MODEL, **fields))
    (call,) = completion.choices[0].message.tool_calls
    return {"name": call.function.name, "arguments": json.loads(call.function.arguments)}


WAYS: Ways = {
    "plain": lambda: chat(MODEL),
    "alias": lambda: chat(ALIAS),
    "field": lambda: chat(MODEL, **FIELD),
    "plain_stream": lambda: chat_stream(MODEL),
    "alias_stream": lambda: chat_stream(ALIAS),
    "field_stream": lambda: chat_stream(MODEL, **FIELD),
    "plain_response": lambda: respond(MODEL),
    "alias_response": lambda: respond(ALIAS),
    "bad": lambda: chat(MODEL, **BAD_FIELD),
    "bad_stream": lambda: chat_stream(MODEL, **BAD_FIELD),
    "tool": call_tool,
}
