from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

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


class A(BaseModel):
    type: Literal["a"]


class B(BaseModel):
    type: Literal["b"]


ONE_OF: TypeAdapter[Any] = TypeAdapter(Annotated[A | B, Field(discriminator="type")])


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


STOP = TypeAdapter(str | Annotated[list[str], Field(max_length=4)] | None)


@pytest.mark.parametrize(
    ("adapter", "value", "reason"),
    [
        (STOP, list("abcde"), "list should have at most 4 items, not 5"),
        (STOP, 5, "input should be a valid string or a valid list"),
        (TypeAdapter(tuple[int, ...] | None), "a", "input should be a valid list"),
        (TypeAdapter(tuple[int, int]), {}, "input should be a valid list"),
        (TypeAdapter(frozenset[int]), 5, "input should be a valid list"),
        (TypeAdapter(dict[str, int]), [], "input should be a valid object"),
        (TypeAdapter(Part), "a", "input should be a valid object"),
        (TypeAdapter(Iterable[int]), 5, "input should be a valid list"),
        (TypeAdapter(bytes), 5, "input should be a valid string"),
        (TypeAdapter(None), 5, "input should be null"),
        (TypeAdapter(Literal[True, "a"]), 5, 'input should be true or "a"'),
        (
            TypeAdapter(Literal["none"] | Literal["auto"] | Part),
            5,
            'input should be "none" or "auto" or a valid object',
        ),
        (TypeAdapter(Annotated[int, Field(ge=1)] | str), 0, "input should be greater than or"),
        (ONE_OF, {"type": "c"}, '"type" should be one of "a", "b"'),
        (ONE_OF, {}, '"type" is missing'),
    ],
)
def test_reason_is_in_words_of_json(adapter: TypeAdapter[Any], value: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as failure:
        adapter.validate_python(value)
    errors = [{**error, "loc": ("body", "f", *error["loc"])} for error in failure.value.errors()]
    message, param = explain(errors)
    assert message.startswith(f"f: {reason}")
    assert param == "f"


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


def failure_of(operation: Callable[[], object]) -> str:
    with pytest.raises(Exception) as failure:  # noqa: PT011  # any of Python's own
        operation()
    return str(failure.value)


@pytest.mark.parametrize(
    "operation",
    [
        lambda: list(cast(Any, 5)),
        lambda: len(cast(Any, 5)),
        lambda: cast(Any, 5).get("a"),
        lambda: "a" in cast(Any, 5),
        lambda: {cast(Any, [])},
        lambda: cast(Any, "a") + 5,
        lambda: cast(Any, 5) + "a",
        lambda: cast(Any, 5) < "a",
        lambda: cast(Any, "a")["b"],
        lambda: " ".join(cast(Any, [5])),
        lambda: dict(**{"self": 1}, **{"self": 2}),
        lambda: failure_of(cast(Any, None), cast(Any, None)),  # type: ignore[call-arg]  # too many
    ],
    ids=lambda operation: str(operation.__code__.co_firstlineno),
)
def test_message_of_python_becomes_a_sentence(operation: Callable[[], object]) -> None:
    message = plain_message(failure_of(operation))
    assert message == "the request is not valid: a part of it has another type than it should have"


@pytest.mark.parametrize("message", ["", "busy", "a\nb", "temperature must be in (0, 1], got 5"])
def test_other_messages_stay(message: str) -> None:
    assert plain_message(message) == message
