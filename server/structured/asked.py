"""What a request asks its reply to conform to, field by field, held against the bounds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from server.errors import InvalidRequest, shown
from server.structured.patterns import check_pattern
from server.structured.schemas import MAX_BYTES, check_document, check_schema, check_values

MAX_TOOLS = 128
MAX_TOOLS_BYTES = 256 * 1024
FIELDS = ("response_format", "structured_outputs", "text", "tools", "output_config")
# Choices of a tool by which vLLM compiles the tools' schemas, whatever the tool parser.
FORCED = ("required", "any", "tool", "function")

KINDS = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
"""Of which `structured_outputs` has one."""

OPTIONS: Mapping[str, str] = {
    **dict.fromkeys(KINDS, "constraint"),
    "json_object": "flag",
    "disable_any_whitespace": "flag",
    "disable_additional_properties": "flag",
    "whitespace_pattern": "pattern",
}
"""What `structured_outputs` may have."""

Kind = Literal["json", "regex", "grammar", "structural_tag"]
Body = Mapping[str, Any]  # a request as it came: nothing is known of it


@dataclass(frozen=True)
class Constraint:
    """Something to compile; `field` is where the request has it."""

    field: str
    kind: Kind
    text: str


def asked_for(body: Body) -> list[Constraint]:
    """What will be compiled for a request. What has a wrong type elsewhere, vLLM tells of.

    Raises:
        InvalidRequest: it exceeds a bound.
    """
    if not any(name in body for name in FIELDS):  # most requests
        return []
    found = [*_response_format(body.get("response_format")), *_tools(body)]
    found += _structured_outputs(body.get("structured_outputs"))
    for name in ("text", "output_config"):
        outer = body.get(name)
        if isinstance(outer, dict) and isinstance(outer.get("format"), dict):
            found += _schema(outer["format"].get("schema"), f"{name}.format.schema")
    return found


def _schema(schema: Any, field: str) -> list[Constraint]:
    if schema is None:
        return []
    check_schema(schema, field)
    return [Constraint(field, "json", json.dumps(schema))]


def _response_format(response_format: Any) -> list[Constraint]:
    if not isinstance(response_format, dict):
        return []
    if response_format.get("type") == "structural_tag":
        return _structural_tag(response_format, "response_format")
    inner = response_format.get("json_schema")
    if not isinstance(inner, dict):
        return []
    return _schema(inner.get("schema"), "response_format.json_schema.schema")


def _structured_outputs(given: Any) -> Iterator[Constraint]:
    name = "structured_outputs"
    if given is None:
        return
    if isinstance(given, dict):
        _check_options(given, name)
    if not isinstance(given, dict) or sum(given.get(kind) is not None for kind in KINDS) != 1:
        raise InvalidRequest(
            name,
            f"{name} must be an object with one of {', '.join(KINDS[:-1])} and {KINDS[-1]}, "
            f"got {shown(given)}",
        )
    if (value := given.get("json")) is not None:
        schema = _parsed(value, f"{name}.json") if isinstance(value, str) else value
        yield from _schema(schema, f"{name}.json")
    if (value := given.get("regex")) is not None:
        check_pattern(value, f"{name}.regex")
        yield Constraint(f"{name}.regex", "regex", value)
    if (value := given.get("choice")) is not None:
        _check_choice(value, f"{name}.choice")
    if (value := given.get("grammar")) is not None:
        _check_text(value, f"{name}.grammar")
        yield Constraint(f"{name}.grammar", "grammar", value)
    if (value := given.get("structural_tag")) is not None:
        field = f"{name}.structural_tag"
        _check_text(value, field)
        yield from _structural_tag(_parsed(value, field), field)


def _check_options(given: Body, name: str) -> None:
    """What vLLM takes beside the constraint: its own choice of a backend among it."""
    for key, value in given.items():
        field = f"{name}.{key}"
        if key not in OPTIONS:
            raise InvalidRequest(
                field, f"unknown key {shown(key)}; allowed are {', '.join(OPTIONS)}"
            )
        if OPTIONS[key] == "flag" and not isinstance(value, bool | None):
            raise InvalidRequest(field, f"{field} must be true or false, got {shown(value)}")
        if OPTIONS[key] == "pattern" and value is not None:
            check_pattern(value, field)


def _check_text(value: Any, field: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequest(field, f"{field} must be a text that is not empty, got {shown(value)}")
    if len(value) > MAX_BYTES:
        raise InvalidRequest(
            field, f"{field} may have {MAX_BYTES} characters, got {len(value)}: {shown(value)}"
        )


def _check_choice(value: Any, field: str) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise InvalidRequest(field, f"{field} must be a list of texts, got {shown(value)}")
    check_values(value, field)


def _parsed(text: str, field: str) -> Any:
    _check_text(text, field)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(field, f"{field} must be JSON, got {shown(text)}") from None


def _structural_tag(tag: Any, field: str) -> list[Constraint]:
    if not isinstance(tag, dict):
        raise InvalidRequest(field, f"{field} must be an object, got {shown(tag)}")
    check_document(tag, field)
    stack: list[Any] = [tag]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key in ("schema", "json_schema"):
                if isinstance(node.get(key), dict):
                    check_schema(node[key], field)
            if isinstance(node.get("pattern"), str):
                check_pattern(node["pattern"], field, "pattern")
            stack.extend(v for k, v in node.items() if k not in ("schema", "json_schema"))
        elif isinstance(node, list):
            stack.extend(node)
    return [Constraint(field, "structural_tag", json.dumps(tag))]


def _tools(body: Body) -> list[Constraint]:
    tools = body.get("tools")
    if not isinstance(tools, list):
        return []
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest("tools", f"tools may be {MAX_TOOLS}, got {len(tools)}")
    check_document(tools, "tools", MAX_TOOLS_BYTES)
    found = []
    for index, tool in enumerate(tools):
        for field, schema in _parameters(tool):
            found += _schema(schema, f"tools[{index}].{field}")
    return found if _is_forced(body.get("tool_choice")) else []


def _parameters(tool: Any) -> Iterator[tuple[str, Any]]:
    """A function's parameters, as chat, Responses or Messages nest them."""
    if not isinstance(tool, dict):
        return
    function = tool.get("function")
    if isinstance(function, dict) and "parameters" in function:
        yield "function.parameters", function["parameters"]
    for name in ("parameters", "input_schema"):
        if name in tool:
            yield name, tool[name]


def _is_forced(tool_choice: Any) -> bool:
    kind = tool_choice.get("type") if isinstance(tool_choice, dict) else tool_choice
    return kind in FORCED if isinstance(kind, str) else False
