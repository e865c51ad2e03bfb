from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from server.gate.validation import explain, plain_message


class Part(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    role: Literal["user", "system"]
    content: str | list[Part]


class Body(BaseModel):
    messages: list[Message] = Field(min_length=1)
    temperature: Annotated[float | None, Field(ge=0)] = None


def explained(body: Any) -> tuple[str, str | None]:  # any JSON
    with pytest.raises(ValidationError) as failure:
        Body.model_validate(body)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in failure.value.errors()]
    return explain(errors)


def test_missing_field() -> None:
    assert explained({}) == ("messages is missing", "messages")


def test_value_is_quoted() -> None:
    message, param = explained({"messages": [{"role": "user", "content": ""}], "temperature": -1})
    assert param == "temperature"
    assert message == "temperature: input should be greater than or equal to 0, got -1"


def test_of_a_union_the_branch_that_goes_deepest() -> None:
    message, param = explained({"messages": [{"role": "user", "content": [{"type": "text"}]}]})
    assert param == "messages.0.content.0.text"
    assert message == "messages.0.content.0.text is missing"


def test_names_of_types_are_left_out() -> None:
    _, param = explained({"messages": [{"role": "root", "content": 5}]})
    assert param in ("messages.0.role", "messages.0.content")


def test_long_values_are_cut() -> None:
    message, _ = explained({"messages": [{"role": "x" * 9000, "content": ""}]})
    assert len(message) < 300


def test_nothing_to_explain() -> None:
    assert explain([]) == ("the request is not valid", None)


def test_message_of_pydantic_becomes_a_sentence() -> None:
    with pytest.raises(ValidationError) as failure:
        Part.model_validate({"type": "text", "text": ["secret"]})
    message = plain_message(str(failure.value))
    assert message == "the request is not valid: input should be a valid string"


@pytest.mark.parametrize("message", ["", "busy", "a\nb"])
def test_other_messages_stay(message: str) -> None:
    assert plain_message(message) == message
