"""Each bound: at it a request passes, one over it is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from server.errors import InvalidRequest
from server.structured.asked import MAX_TOOLS, Constraint, asked_for
from server.structured.patterns import MAX_PATTERN_CHARS, MAX_PATTERN_SIZE, written_out_size
from server.structured.schemas import (
    MAX_BYTES,
    MAX_COUNT,
    MAX_DEPTH,
    MAX_PROPERTIES,
    MAX_VALUE_CHARS,
    MAX_VALUES,
)

Json = dict[str, Any]
SCHEMA_FIELD = "response_format.json_schema.schema"
TEXT = {"type": "string"}


def formatted(schema: Any) -> Json:
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


def outputs(**given: Any) -> Json:
    return {"structured_outputs": given}


def with_bytes(num_bytes: int) -> Json:
    empty = len('{"description": ""}')
    return {"description": "a" * (num_bytes - empty)}


def with_depth(depth: int) -> Json:
    schema: Json = {}
    for _ in range(depth - 1):
        schema = {"not": schema}
    return schema


def with_properties(count: int) -> Json:
    half = {f"p{i}": TEXT for i in range(count // 2)}
    rest = {f"q{i}": TEXT for i in range(count - count // 2 - 1)}
    return {"properties": {**half, "inner": {"properties": rest}}}


SCHEMAS: dict[str, tuple[Callable[[int], Json], int]] = {
    "bytes": (with_bytes, MAX_BYTES),
    "nest": (with_depth, MAX_DEPTH),
    "properties in all": (with_properties, MAX_PROPERTIES),
    "values in all": (
        lambda n: {"anyOf": [{"enum": list(range(n - 1))}, {"const": 1}]},
        MAX_VALUES,
    ),
    "characters together": (lambda n: {"enum": ["a" * n]}, MAX_VALUE_CHARS),
    "pattern": (lambda n: {"pattern": "a" * n}, MAX_PATTERN_CHARS),
    "patternProperties": (lambda n: {"patternProperties": {"a" * n: TEXT}}, MAX_PATTERN_CHARS),
    "its patterns' counts": (
        lambda n: {"properties": {"a": {"pattern": "a{1,9000}"}, "b": {"pattern": f"a{{{n}}}"}}},
        MAX_PATTERN_SIZE - 9000,
    ),
    "repeats too much": (lambda n: {"pattern": f"a{{{n}}}"}, MAX_PATTERN_SIZE),
    "maxLength": (lambda n: {"maxLength": n}, MAX_COUNT),
    "minItems": (lambda n: {"items": {"minItems": n}}, MAX_COUNT),
}
FIELDS_OF_SCHEMAS: dict[str, Callable[[Json], Json]] = {
    SCHEMA_FIELD: formatted,
    "structured_outputs.json": lambda schema: outputs(json=schema),
    "text.format.schema": lambda schema: {"text": {"format": {"schema": schema}}},
    "output_config.format.schema": lambda s: {"output_config": {"format": {"schema": s}}},
    "tools[0].function.parameters": lambda s: {"tools": [{"function": {"parameters": s}}]},
    "tools[0].parameters": lambda schema: {"tools": [{"parameters": schema}]},
    "tools[0].input_schema": lambda schema: {"tools": [{"input_schema": schema}]},
}
CIRCLE = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
REFUSED: dict[str, tuple[Json, str, str]] = {
    "refers to itself": (formatted({"$ref": "#"}), SCHEMA_FIELD, "back to itself"),
    "circle": (formatted(CIRCLE), SCHEMA_FIELD, "back to itself"),
    "remote": (formatted({"$ref": "http://a.b/c"}), SCHEMA_FIELD, '"http://a.b/c"'),
    "nowhere": (formatted({"$ref": "#/$defs/zz"}), SCHEMA_FIELD, "leads nowhere"),
    "NaN": (formatted({"const": float("nan")}), SCHEMA_FIELD, "NaN"),
    "count is a text": (formatted({"maxLength": "5"}), SCHEMA_FIELD, 'got "5"'),
    "count is negative": (formatted({"maxItems": -1}), SCHEMA_FIELD, "got -1"),
    "schema is a list": (formatted([1]), SCHEMA_FIELD, "got [1]"),
    "a text": ({"structured_outputs": "json"}, "structured_outputs", 'got "json"'),
    "a list": ({"structured_outputs": [1]}, "structured_outputs", "got [1]"),
    "json is no JSON": (outputs(json="{"), "structured_outputs.json", "must be JSON"),
    "json is deep": (outputs(json="[" * 60_000), "structured_outputs.json", "must be JSON"),
    "regex is a number": (outputs(regex=5), "structured_outputs.regex", "got 5"),
    "grammar is a number": (outputs(grammar=5), "structured_outputs.grammar", "got 5"),
    "grammar is empty": (outputs(grammar=" "), "structured_outputs.grammar", "not empty"),
    "grammar is long": (
        outputs(grammar="a" * (MAX_BYTES + 1)),
        "structured_outputs.grammar",
        f"got {MAX_BYTES + 1}",
    ),
    "no choice": (outputs(choice=[]), "structured_outputs.choice", "got []"),
    "choice is a number": (outputs(choice=[1]), "structured_outputs.choice", "got [1]"),
    "choices": (
        outputs(choice=["a"] * (MAX_VALUES + 1)),
        "structured_outputs.choice",
        f"got {MAX_VALUES + 1}",
    ),
    "tag is a list": (
        outputs(structural_tag="[]"),
        "structured_outputs.structural_tag",
        "got []",
    ),
    "tag holds a circle": (
        {"response_format": {"type": "structural_tag", "structures": [{"schema": CIRCLE}]}},
        "response_format",
        "back to itself",
    ),
    "tools": ({"tools": [{}] * (MAX_TOOLS + 1)}, "tools", f"got {MAX_TOOLS + 1}"),
}
PASSES: dict[str, Json] = {
    "recursion through a property": formatted({"properties": {"next": {"$ref": "#"}}}),
    "recursion through items": formatted(
        {"$defs": {"n": {"anyOf": [TEXT, {"items": {"$ref": "#/$defs/n"}}]}}, "$ref": "#/$defs/n"}
    ),
    "same definition twice": formatted(
        {"$defs": {"a/b": TEXT}, "anyOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/$defs/a~1b"}]}
    ),
    "properties named as keywords are": formatted(
        {"properties": {"pattern": TEXT, "$ref": TEXT, "enum": TEXT, "maxLength": TEXT}}
    ),
    "values that look like schemas": formatted({"const": {"$ref": "#", "maxLength": -1}}),
    "tools": {"tools": [{}] * MAX_TOOLS},
    "of wrong types that vLLM tells of": {"response_format": 5, "tools": "a", "text": [1]},
}


def refusal(body: Json) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asked_for(body)
    return caught.value


@pytest.mark.parametrize("bound", SCHEMAS)
def test_schema_may_reach_a_bound_and_not_exceed_it(bound: str) -> None:
    schema_of, limit = SCHEMAS[bound]
    asked_for(formatted(schema_of(limit)))
    failure = refusal(formatted(schema_of(limit + 1)))
    assert failure.param == SCHEMA_FIELD
    assert bound in failure.message
    assert str(limit) in failure.message


@pytest.mark.parametrize("field", FIELDS_OF_SCHEMAS)
def test_every_field_with_a_schema_is_bounded(field: str) -> None:
    body_with = FIELDS_OF_SCHEMAS[field]
    asked_for(body_with({"$defs": {"a": TEXT}, "$ref": "#/$defs/a"}))
    assert refusal(body_with(CIRCLE)).param == field


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_names_the_field(case: str) -> None:
    body, field, said = REFUSED[case]
    failure = refusal(body)
    assert failure.param == field
    assert said in failure.message
    assert len(failure.message) < 500


@pytest.mark.parametrize("case", PASSES)
def test_within_the_bounds(case: str) -> None:
    asked_for(PASSES[case])


def test_a_request_without_such_fields_asks_for_nothing() -> None:
    assert asked_for({"model": "pocket", "messages": []}) == []


def test_tools_are_compiled_only_where_one_is_forced() -> None:
    tools = [{"function": {"parameters": TEXT}}]
    compiled = [Constraint("tools[0].function.parameters", "json", '{"type": "string"}')]
    assert asked_for({"tools": tools}) == asked_for({"tools": tools, "tool_choice": "auto"}) == []
    assert asked_for({"tools": tools, "tool_choice": "required"}) == compiled
    assert asked_for({"tools": tools, "tool_choice": {"type": "function"}}) == compiled


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("abc", 3),
        ("a{5}", 5),
        ("a{2,5}b", 6),
        ("a{5,}", 5),
        ("(ab){3}", 6),
        ("((a{10}){10}){10}", 1000),
        ("a{10}{10}", 100),
        (r"[a\]{9}]{3}", 3),
        (r"\{5}", 3),
        ("[]{9}]{2}", 2),
        ("a{0}", 1),
        ("((((", 0),
        ("a)){3}", 5),
        ("[a", 1),
        ("a\\", 2),
    ],
)
def test_size_written_out(pattern: str, size: int) -> None:
    assert written_out_size(pattern) == size


def test_count_of_many_digits_is_a_large_one() -> None:
    assert written_out_size(f"a{{{'9' * 3000}}}") > MAX_PATTERN_SIZE
