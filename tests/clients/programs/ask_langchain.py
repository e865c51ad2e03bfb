"""LangChain: ChatOpenAI on both of OpenAI's APIs, and the older class of completions."""

import functools
import operator
from collections.abc import Callable
from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel
from ways import (
    ALIAS,
    BAD_FIELD,
    FIELD,
    FREQUENCY_PENALTY,
    MAX_TOKENS,
    MODEL,
    QUESTION,
    Json,
    Ways,
    reply,
)

PROMPT = f"<|user|>{QUESTION}<|end|><|assistant|>"


class Flag(BaseModel):
    """Whether something is so."""

    sure: bool


@tool
def add(sure: bool) -> str:
    """Add two numbers."""
    return str(sure)


def model_of(name: str, **settings: Any) -> ChatOpenAI:  # its constructor's
    return ChatOpenAI(
        model=name,
        temperature=0,
        max_retries=0,
        max_tokens=MAX_TOKENS,
        stream_usage=True,
        **settings,
    )


def of_message(message: Any) -> Json:  # a message or a chunk
    told = message.response_metadata
    finish_reason = told.get("finish_reason") or told.get("status")
    num_tokens = message.usage_metadata["output_tokens"]
    return reply(message.text, finish_reason, num_tokens, told.get("decoding"))


def invoke(name: str, **settings: Any) -> Callable[[], Json]:
    return lambda: of_message(model_of(name, **settings).invoke(QUESTION))


def stream(name: str, **settings: Any) -> Callable[[], Json]:
    chunks = model_of(name, **settings).stream
    return lambda: of_message(functools.reduce(operator.add, chunks(QUESTION)))


def complete(name: str, **settings: Any) -> Json:
    """The older class, which sends temperature 0.7, top_p 1, n 1 and both penalties."""
    result = OpenAI(model=name, max_retries=0, **settings).generate([PROMPT])
    generation = result.generations[0][0]
    told = generation.generation_info
    num_tokens = result.llm_output["token_usage"]["completion_tokens"]
    return reply(generation.text, told["finish_reason"], num_tokens, told.get("decoding"))


def complete_stream(name: str, **settings: Any) -> Json:
    text = "".join(OpenAI(model=name, max_retries=0, **settings).stream(PROMPT))
    return reply(text, "stop", None)


def call_tool() -> Json:
    model = model_of(MODEL, frequency_penalty=FREQUENCY_PENALTY)
    bound = model.bind_tools([add], tool_choice="required", strict=True)
    (call,) = bound.invoke(QUESTION).tool_calls
    return {"name": call["name"], "arguments": call["args"]}


def structured() -> Json:
    found = model_of(MODEL).with_structured_output(Flag, method="json_schema").invoke(QUESTION)
    return {"value": found.model_dump()}


ON_RESPONSES = {"use_responses_api": True}
WAYS: Ways = {
    "plain": invoke(MODEL),
    "alias": invoke(ALIAS),
    "field": invoke(MODEL, extra_body=FIELD),
    "plain_stream": stream(MODEL),
    "alias_stream": stream(ALIAS),
    "field_stream": stream(MODEL, extra_body=FIELD),
    "plain_response": invoke(MODEL, **ON_RESPONSES),
    "alias_response": invoke(ALIAS, **ON_RESPONSES),
    "alias_response_stream": stream(ALIAS, **ON_RESPONSES),
    "plain_completion": lambda: complete(MODEL, temperature=0),
    "alias_completion": lambda: complete(ALIAS),
    "alias_completion_stream": lambda: complete_stream(ALIAS),
    "bad": invoke(MODEL, extra_body=BAD_FIELD),
    "bad_stream": stream(MODEL, extra_body=BAD_FIELD),
    "tool": call_tool,
    "structured": structured,
}
