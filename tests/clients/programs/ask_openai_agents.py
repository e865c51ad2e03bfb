"""OpenAI's Agents SDK, with its models of both of OpenAI's APIs."""

import json
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI
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

client = AsyncOpenAI(max_retries=0)


class Flag(BaseModel):
    """Whether something is so."""

    sure: bool


@function_tool
def add(sure: bool) -> str:
    """Add two numbers."""
    return f"sure: {sure}"


def agent(kind: Any, model: str, extra: Json, **fields: Any) -> Agent:
    settings = ModelSettings(
        temperature=0,
        max_tokens=MAX_TOKENS,
        include_usage=True,
        extra_body=extra,
        **fields.pop("settings", {}),
    )
    model_object = kind(model, openai_client=client)
    return Agent(name="a", model=model_object, model_settings=settings, **fields)


async def run(kind: Any, model: str, **extra: Any) -> Json:
    result = await Runner.run(agent(kind, model, extra), QUESTION)
    return reply(result.final_output, None, result.context_wrapper.usage.output_tokens)


async def run_stream(kind: Any, model: str, **extra: Any) -> Json:
    result = Runner.run_streamed(agent(kind, model, extra), QUESTION)
    raw = [e.data async for e in result.stream_events() if e.type == "raw_response_event"]
    deltas = [event.delta for event in raw if event.type == "response.output_text.delta"]
    assert "".join(deltas) == result.final_output
    report = (raw[-1].response.model_extra or {}).get("decoding")
    num_tokens = result.context_wrapper.usage.output_tokens
    return reply(result.final_output, None, num_tokens, report)


async def call_tool(kind: Any) -> Json:
    asking = agent(
        kind,
        MODEL,
        {"frequency_penalty": FREQUENCY_PENALTY},
        settings={"tool_choice": "required"},
        tools=[add],
        tool_use_behavior="stop_on_first_tool",
    )
    result = await Runner.run(asking, QUESTION)
    call = result.raw_responses[0].output[-1]
    assert result.final_output in ("sure: True", "sure: False")
    return {"name": call.name, "arguments": json.loads(call.arguments)}


async def structured(kind: Any) -> Json:
    result = await Runner.run(agent(kind, MODEL, {}, output_type=Flag), QUESTION)
    return {"value": result.final_output.model_dump()}


CHAT, RESPONSES = OpenAIChatCompletionsModel, OpenAIResponsesModel
WAYS: Ways = {
    "plain": lambda: run(CHAT, MODEL),
    "alias": lambda: run(CHAT, ALIAS),
    "field": lambda: run(CHAT, MODEL, **FIELD),
    "plain_stream": lambda: run_stream(CHAT, MODEL),
    "alias_stream": lambda: run_stream(CHAT, ALIAS),
    "field_stream": lambda: run_stream(CHAT, MODEL, **FIELD),
    "plain_response": lambda: run(RESPONSES, MODEL),
    "alias_response": lambda: run(RESPONSES, ALIAS),
    "field_response": lambda: run(RESPONSES, MODEL, **FIELD),
    "alias_response_stream": lambda: run_stream(RESPONSES, ALIAS),
    "field_response_stream": lambda: run_stream(RESPONSES, MODEL, **FIELD),
    "bad": lambda: run(CHAT, MODEL, **BAD_FIELD),
    "bad_stream": lambda: run_stream(CHAT, MODEL, **BAD_FIELD),
    "bad_response": lambda: run(RESPONSES, MODEL, **BAD_FIELD),
    "tool": lambda: call_tool(CHAT),
    "tool_response": lambda: call_tool(RESPONSES),
    "structured": lambda: structured(CHAT),
    "structured_response": lambda: structured(RESPONSES),
}
