"""Instructor, by JSON mode, by a JSON schema and by a tool."""

import os
from typing import Any

import httpx
import instructor
from instructor.exceptions import InstructorRetryException
from openai import OpenAI
from pydantic import BaseModel
from ways import BAD_FIELD, MAX_TOKENS, MESSAGES, MODEL, Json, Ways

GREEDY = {"decoding": {"strategy": "greedy"}}
VOTE = f"{MODEL}:majority_vote"


class Flag(BaseModel):
    """Whether something is so."""

    sure: bool


class Nothing(BaseModel):
    """What a model that knows no JSON may be brought to say."""


def create(mode: instructor.Mode, kind: type[BaseModel], model: str = MODEL, **fields: Any) -> Json:
    client = instructor.from_openai(OpenAI(max_retries=0), mode=mode)
    value, completion = client.create_with_completion(
        model=model,
        messages=MESSAGES,
        max_tokens=MAX_TOKENS,
        response_model=kind,
        max_retries=0,
        **fields,
    )
    report = (completion.model_extra or {}).get("decoding")
    return {"value": value.model_dump(), "strategy": report and report["strategy"]}


def by_schema(model: str = MODEL, **fields: Any) -> Json:
    return create(instructor.Mode.JSON_SCHEMA, Flag, model, **fields)


def by_tool(model: str = MODEL, **fields: Any) -> Json:
    """Instructor leaves `strict` out, so that any JSON is a call: the bias makes it `{}`."""
    url = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
    asked = {"model": MODEL, "prompt": "{}", "add_special_tokens": False}
    braces = httpx.post(f"{url}/tokenize", json=asked).json()["tokens"]
    bias = dict.fromkeys(braces, 100)
    return create(instructor.Mode.TOOLS, Nothing, model, logit_bias=bias, **fields)


def refused() -> Json:
    """Instructor's own error, around that of OpenAI's client."""
    try:
        return by_schema(extra_body=BAD_FIELD)
    except InstructorRetryException as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


WAYS: Ways = {
    "json": lambda: create(instructor.Mode.JSON, Nothing, temperature=0),
    "json_field": lambda: create(instructor.Mode.JSON, Nothing, extra_body=GREEDY),
    "schema": by_schema,
    "schema_alias": lambda: by_schema(VOTE),
    "schema_field": lambda: by_schema(extra_body=GREEDY),
    "tool": by_tool,
    "tool_alias": lambda: by_tool(VOTE),
    "tool_field": lambda: by_tool(extra_body=GREEDY),
    "bad": refused,
}
