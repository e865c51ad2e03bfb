"""Grammars, schemas and patterns that are broken, or cost more than they say."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import RESPONSES, Group, response
from loadtest.hostile.expectations import answered, handled, refused

Schema = dict[str, Any]
CIRCLE: Schema = {
    "$ref": "#/$defs/a",
    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
}


def deep(depth: int) -> Schema:
    schema: Schema = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def wide(num: int, **more: Any) -> Schema:
    properties = {f"p{i}": {"type": "string", **more} for i in range(num)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def cases(target: Target) -> Iterator[Case]:
    group = Group("structured", target)
    for name, schema in _schemas().items():
        yield group.chat(f"json: {name}", refused(), structured_outputs={"json": schema})
    for name in (
        "an enum of 50,000",
        "5,000 properties",
        "100 levels",
        "a remote $ref",
        "a circle",
    ):
        schema = _schemas()[name]
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
        yield group.chat(f"response_format: {name}", refused(), response_format=form)
        text = {"format": {"type": "json_schema", "name": "a", "schema": schema}}
        yield group.post(
            f"response's text: {name}", RESPONSES, response(target, text=text), refused()
        )
    for kind, broken in (("regex", _regexes()), ("grammar", _grammars())):
        for name, text in broken.items():
            yield group.chat(f"{kind}: {name}", refused(), structured_outputs={kind: text})
    for name, value in _broken().items():
        yield group.chat(name, refused(), structured_outputs=value)
    for name, form in _forms().items():
        yield group.chat(f"response_format: {name}", refused(), response_format=form)
    for name, value in _odd().items():
        yield group.chat(f"odd: {name}", handled, structured_outputs=value)
    for name, value in _sane().items():
        yield group.chat(f"sane: {name}", answered, structured_outputs=value)


def _schemas() -> dict[str, Any]:  # any JSON
    union = {"anyOf": [deep(6) for _ in range(500)]}
    return {
        "an enum of 50,000": {"enum": [f"value {i}" for i in range(50_000)]},
        "5,000 properties": wide(5000),
        "100 levels": deep(100),
        "a remote $ref": {"$ref": "http://169.254.169.254/schema.json"},
        "a $ref to a file": {"$ref": "file:///etc/passwd"},
        "a circle": CIRCLE,
        "a $ref to itself": {"$ref": "#"},
        "a $ref to nothing": {"$ref": "#/$defs/nope"},
        "a $ref that is a number": {"$ref": 5},
        "an unknown type": {"type": "wish"},
        "type a number": {"type": 5},
        "properties a list": {"type": "object", "properties": ["a"]},
        "required a text": {"type": "object", "properties": {}, "required": "a"},
        "an empty enum": {"enum": []},
        "500 alternatives of six levels": union,
        "10^9 items at least": {"type": "array", "items": {"type": "null"}, "minItems": 10**9},
        "most below least": {"type": "string", "minLength": 5, "maxLength": 2},
        "2^70 as the least": {"type": "integer", "minimum": 2**70, "maximum": 2**71},
        "a pattern that explodes": {"type": "string", "pattern": "((a{1,99}){1,99}){1,99}"},
        "a pattern that does not compile": {"type": "string", "pattern": "("},
        "200 patterns": wide(200, pattern="[a-z]{1,500}"),
        "text that is no JSON": "{",
        "a text of a number": "5",
        "a list": [{"type": "object"}],
        "a number": 5,
    }


def _regexes() -> dict[str, Any]:  # any JSON
    return {
        "explodes": "((a{1,1000}){1,1000}){1,1000}",
        "explodes by alternatives": "(" + "|".join(f"(a{{1,{i}}}b*)+" for i in range(2, 600)) + ")",
        "does not compile": "(",
        "of 500 KB": "a" * 500_000,
        "counts backwards": "a{5,2}",
        "looks around": "(?=a)b(?<!c)",
        "refers back": r"(a)\1",
        "nested 5,000 deep": "(" * 5000 + "a" + ")" * 5000,
        "a list": ["a"],
        "a number": 5,
        "an unclosed class": "[a-",
        "repeats 10^9 times": "a{1000000000}",
    }


def _grammars() -> dict[str, Any]:  # any JSON
    return {
        "refers to itself alone": "root ::= root",
        "does not parse": "root ::= (",
        "without a root": 'start ::= "a"',
        "undefined": "root ::= nope",
        "empty": "",
        "of 500 KB": "root ::= " + " | ".join(f'"w{i}"' for i in range(50_000)),
        "nested 5,000 deep": "root ::= " + "(" * 5000 + '"a"' + ")" * 5000,
        "a list": ["root"],
        "a number": 5,
        "imports": "%import /etc/passwd",
    }


def _broken() -> dict[str, Any]:  # what stands for `structured_outputs`
    return {
        "a text": "json",
        "a number": 5,
        "a list": [],
        "an unknown kind": {"telepathy": "a"},
        "none": {},
        "two at once": {"regex": "a", "choice": ["a"]},
        "choice of 50,000": {"choice": [f"c{i}" for i in range(50_000)]},
        "choice of none": {"choice": []},
        "choice of numbers": {"choice": [1, 2]},
        "choice a text": {"choice": "a"},
        "choice of 500 KB": {"choice": ["a" * 500_000]},
        "choice of lists": {"choice": [["a"]]},
        "json_object a text": {"json_object": "yes"},
        "structural_tag broken": {"structural_tag": "{"},
        "structural_tag a list": {"structural_tag": []},
        "the backend chosen": {"regex": "a", "_backend": "outlines"},
        "whitespace that explodes": {
            "json": {"type": "object"},
            "whitespace_pattern": "((a{1,99}){1,99}){1,99}",
        },
    }


def _forms() -> dict[str, Any]:  # what stands for `response_format`
    return {
        "of an unknown type": {"type": "xml"},
        "without a type": {},
        "without a schema": {"type": "json_schema"},
        "schema a text": {"type": "json_schema", "json_schema": "a"},
        "schema without a name": {"type": "json_schema", "json_schema": {"schema": {}}},
        "structural_tag broken": {"type": "structural_tag", "structures": "a", "triggers": 5},
    }


def _odd() -> dict[str, Any]:  # what stands for `structured_outputs`
    chain = "\n".join(f"r{i} ::= r{i + 1} r{i + 1}" for i in range(60)) + '\nr60 ::= "a"'
    return {
        "left-recursive": {"grammar": 'root ::= root "a" | "b"'},
        "left-recursive by two": {"grammar": 'root ::= a "x"\na ::= root "y" | "z"'},
        "doubles 60 times": {"grammar": f"root ::= r0\n{chain}"},
        "alternatives none": {"json": {"anyOf": []}},
        "a schema that allows nothing": {"json": {"not": {}}},
        "a schema that is false": {"json": "false"},
        "a regex of nothing": {"regex": "^$"},
        "an empty regex": {"regex": ""},
        "choice of an empty text": {"choice": [""]},
        "choice of emoji": {"choice": ["🦆", "👩‍👩‍👧‍👦"]},
        "10^9 characters at least": {"json": {"type": "string", "minLength": 10**9}},
        "a negative length": {"json": {"type": "string", "maxLength": -1}},
        "30 properties": {"json": wide(30)},
        "a tree": {"json": {"type": "object", "properties": {"child": {"$ref": "#"}}}},
        "right-recursive": {"grammar": 'root ::= "a" root | "b"'},
    }


def _sane() -> dict[str, Any]:  # what stands for `structured_outputs`
    return {
        "choice": {"choice": ["yes", "no"]},
        "regex": {"regex": "[0-9]{1,3}"},
        "schema": {"json": wide(3)},
        "grammar": {"grammar": 'root ::= "yes" | "no"'},
    }
