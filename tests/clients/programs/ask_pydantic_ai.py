"""Pydantic AI, with its models of both of OpenAI's APIs."""

from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
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


class Flag(BaseModel):
    """Whether something is so."""

    sure: bool


def settings(**extra: Any) -> Any:
    return {"temperature": 0, "max_tokens": MAX_TOKENS, "extra_body": extra}


def of_response(text: str, response: Any) -> Json:
    report = (response.provider_details or {}).get("decoding")
    return reply(text, response.finish_reason, response.usage.output_tokens, report)


async def run(model: Any, **extra: Any) -> Json:
    result = await Agent(model, retries=0).run(QUESTION, model_settings=settings(**extra))
    return of_response(result.output, result.response)


async def run_stream(model: Any, **extra: Any) -> Json:
    asked = Agent(model, retries=0).run_stream(QUESTION, model_settings=settings(**extra))
    async with asked as result:
        text = "".join([delta async for delta in result.stream_text(delta=True)])
        return of_response(text, result.response)


async def structured() -> Json:
    agent = Agent(OpenAIChatModel(MODEL), output_type=NativeOutput(Flag), retries=0)
    result = await agent.run(QUESTION, model_settings=settings())
    return {"value": result.output.model_dump()}


async def call_tool() -> Json:
    output = ToolOutput(Flag, name="add", strict=True)
    agent = Agent(OpenAIChatModel(MODEL), output_type=output, retries=0)
    asked = settings() | {"frequency_penalty": FREQUENCY_PENALTY}
    result = await agent.run(QUESTION, model_settings=asked)
    return {"name": "add", "arguments": result.output.model_dump()}


WAYS: Ways = {
    "plain": lambda: run(OpenAIChatModel(MODEL)),
    "alias": lambda: run(OpenAIChatModel(ALIAS)),
    "field": lambda: run(OpenAIChatModel(MODEL), **FIELD),
    "plain_stream": lambda: run_stream(OpenAIChatModel(MODEL)),
    "alias_stream": lambda: run_stream(OpenAIChatModel(ALIAS)),
    "field_stream": lambda: run_stream(OpenAIChatModel(MODEL), **FIELD),
    "plain_response": lambda: run(OpenAIResponsesModel(MODEL)),
    "alias_response": lambda: run(OpenAIResponsesModel(ALIAS)),
    "alias_response_stream": lambda: run_stream(OpenAIResponsesModel(ALIAS)),
    "bad": lambda: run(OpenAIChatModel(MODEL), **BAD_FIELD),
    "bad_stream": lambda: run_stream(OpenAIChatModel(MODEL), **BAD_FIELD),
    "bad_response": lambda: run(OpenAIResponsesModel(MODEL), **BAD_FIELD),
    "tool": call_tool,
    "structured": structured,
}
