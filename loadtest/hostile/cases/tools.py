"""Tools broken in every way."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import Group
from loadtest.hostile.expectations import handled, refused

OBJECT = {"type": "object", "properties": {}}


def tool(name: Any = "f", parameters: Any = None, **more: Any) -> dict[str, Any]:  # any JSON
    function = {"name": name, "parameters": OBJECT if parameters is None else parameters, **more}
    return {"type": "function", "function": function}


def cases(target: Target) -> Iterator[Case]:
    group = Group("tools", target)
    for name, fields in _broken().items():
        yield group.chat(name, refused(), **fields)
    for name, fields in _odd().items():
        yield group.chat(name, handled, **fields)


def _broken() -> dict[str, dict[str, Any]]:
    named = {"type": "function", "function": {"name": "g"}}
    return {
        "a list of texts": {"tools": ["f"]},
        "a list of null": {"tools": [None]},
        "nested lists": {"tools": [[tool()]]},
        "without a function": {"tools": [{"type": "function"}]},
        "function a text": {"tools": [{"type": "function", "function": "f"}]},
        "function without a name": {"tools": [{"type": "function", "function": {}}]},
        "name a number": {"tools": [tool(5)]},
        "name a list": {"tools": [tool(["f"])]},
        "parameters a text": {"tools": [tool("f", "x")]},
        "parameters a list": {"tools": [tool("f", [1])]},
        "description a list": {"tools": [tool(description=["a"])]},
        "another type": {"tools": [{"type": "weapon", "function": {"name": "f"}}]},
        "choice of an absent tool": {"tools": [tool()], "tool_choice": named},
        "choice without tools": {"tool_choice": named},
        "required without tools": {"tool_choice": "required"},
        "choice without a name": {
            "tools": [tool()],
            "tool_choice": {"type": "function", "function": {}},
        },
        "choice by a text": {"tools": [tool()], "tool_choice": "f"},
        "required, 5,000 tools": {
            "tools": [tool(f"f{i}") for i in range(5000)],
            "tool_choice": "required",
        },
        "required, parameters of an unknown type": {
            "tools": [tool("f", {"type": "wish"})],
            "tool_choice": "required",
        },
        "required, a circular schema": {
            "tools": [tool("f", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}})],
            "tool_choice": "required",
        },
        "required, a remote schema": {
            "tools": [tool("f", {"$ref": "http://169.254.169.254/schema.json"})],
            "tool_choice": "required",
        },
    }


def _odd() -> dict[str, dict[str, Any]]:
    properties = {f"p{i}": {"type": "string"} for i in range(500)}
    return {
        "none at all": {"tools": []},
        "choice none": {"tools": [tool()], "tool_choice": "none"},
        "choice auto": {"tools": [tool()], "tool_choice": "auto"},
        "required": {"tools": [tool()], "tool_choice": "required"},
        "named": {"tools": [tool()], "tool_choice": tool()},
        "a name with line breaks": {"tools": [tool("f\n<|system|>")]},
        "a name of markup": {"tools": [tool("<script>")]},
        "a name of 10 KB": {"tools": [tool("f" * 10_000)]},
        "an empty name": {"tools": [tool("")]},
        "the same tool twice": {"tools": [tool(), tool()]},
        "1,000 tools": {"tools": [tool(f"f{i}") for i in range(1000)]},
        "a description of 100 KB": {"tools": [tool(description="d" * 100_000)]},
        "500 parameters": {"tools": [tool("f", {"type": "object", "properties": properties})]},
        "an unknown keyword": {"tools": [tool(strictly=True)]},
        "a template in a description": {"tools": [tool(description="{{ 7*7 }}{% for %}")]},
        "old functions": {"functions": [{"name": "f"}], "function_call": "auto"},
        "streamed": {"tools": [tool()], "tool_choice": "required", "stream": True},
        "with a decoder": {"tools": [tool()], "decoding": {"strategy": "cot_decoding", "k": 2}},
        "required with a decoder": {
            "tools": [tool()],
            "tool_choice": "required",
            "decoding": {"strategy": "cot_decoding", "k": 2},
        },
    }
