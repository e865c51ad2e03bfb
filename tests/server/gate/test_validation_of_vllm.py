"""Every field of vLLM's requests with values of every type: no message speaks of Python's."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from server.gate.validation import explain

pytestmark = pytest.mark.vllm

VALUES: tuple[Any, ...] = (  # any JSON
    *(5, -1.5, "a", True, None, [], {}, [5], ["a"], [[5]], [{}], {"a": 5}, {"type": "a"}),
    *([{"type": "a"}], list("abcde"), [None]),
)
PYTHON = re.compile(
    r"\b([Tt]uple|[Dd]ict\w*|None\w*|str|int|bool|True|False|instance|[Ff]rozenset|[Ii]terable"
    r"|bytes|discriminator|validation|pydantic)\b"
)


def requests() -> list[tuple[type[BaseModel], dict[str, Any]]]:
    from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest
    from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

    messages = [{"role": "user", "content": "a"}]
    return [
        (ChatCompletionRequest, {"messages": messages}),
        (CompletionRequest, {"prompt": "a"}),
        (ResponsesRequest, {"input": "a"}),
        (AnthropicMessagesRequest, {"model": "m", "messages": messages, "max_tokens": 4}),
    ]


def test_no_message_speaks_of_pythons_types(vllm_environment: None) -> None:
    told = [
        message.partition(", got ")[0]
        for model, body in requests()
        for name in model.model_fields
        for value in VALUES
        if (message := message_on(model, {**body, name: value}))
    ]
    assert len(told) > 1000
    assert [message for message in told if PYTHON.search(message)] == []


def message_on(model: type[BaseModel], body: dict[str, Any]) -> str | None:
    """What is told of the body; None where nothing is wrong, or vLLM stumbles over it by itself."""
    try:
        model.model_validate(body)
    except ValidationError as failure:
        return explain([{**one, "loc": ("body", *one["loc"])} for one in failure.errors()])[0]
    except Exception:
        return None
    return None
