"""Bounds on a JSON schema: its size, depth, properties, values, patterns, counts and references.

Measured with xgrammar 0.2.8, a vocabulary of 150,000 tokens, 2 CPU cores shared with other work:
512 required properties compile in 0.8 s, 1,000 values of 8 characters in 0.04 s and of 60 in 3.5 s;
a size in `maxLength` or `maxItems` costs nothing more. 5,000 properties or 50,000 values took more
than 100 s and 4 GB even with the vocabulary of the bundled checkpoint. What is slow within the
bounds (optional properties grow with the cube of their number) the compiler aside finds.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from server.errors import InvalidRequest, shown
from server.structured.patterns import MAX_PATTERN_SIZE, check_pattern, written_out_size

MAX_BYTES = 64 * 1024
# Objects and arrays, as vLLM counts them; a property within a property takes two: 32 of those.
MAX_DEPTH = 64
MAX_PROPERTIES = 512
MAX_VALUES = 1000
MAX_VALUE_CHARS = 20_000
MAX_COUNT = 100_000  # 65,535 is a common `maxLength`

Role = Literal["schema", "names", "data"]
Json = Any  # as json.loads gives it

NAMES = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
DATA = frozenset(("enum", "const", "default", "example", "examples", "required"))
COUNTS = frozenset(
    f"{end}{what}"
    for end in ("min", "max")
    for what in ("Length", "Items", "Properties", "Contains")
)
UNCONSUMING = ("allOf", "anyOf", "oneOf")  # what they lead to is at the same place in the text


def check_schema(schema: Json, field: str) -> None:
    """Check a JSON schema against this module's bounds.

    Raises:
        InvalidRequest: the schema exceeds one; the message names the field and the bound.
    """
    if not isinstance(schema, dict | bool):
        raise InvalidRequest(
            field, f"{field} must be a JSON schema, an object, got {shown(schema)}"
        )
    check_document(schema, field)
    nodes = list(_nodes(schema, "schema"))
    _check_totals(nodes, field)
    for node, role in nodes:
        if role == "schema" and isinstance(node, dict):
            _check_keywords(node, field)
    _check_references(schema, nodes, field)


def check_document(document: Json, field: str, max_bytes: int = MAX_BYTES) -> None:
    """How deep and large a JSON value is, and that it is JSON: no NaN.

    Raises:
        InvalidRequest: it is more than may be compiled.
    """
    level = [document]
    for _ in range(MAX_DEPTH):
        if any(isinstance(node, float) and not math.isfinite(node) for node in level):
            raise InvalidRequest(field, f"{field} holds NaN or an infinity, which JSON has not")
        level = [child for node in level for child in _children(node)]
    if level and any(isinstance(node, dict | list) for node in level):
        raise InvalidRequest(
            field, f"{field} may nest {MAX_DEPTH} objects and arrays, and nests more"
        )
    try:
        size = len(json.dumps(document))
    except ValueError:  # an integer of too many digits
        raise InvalidRequest(field, f"{field} holds a number of too many digits") from None
    if size > max_bytes:
        raise InvalidRequest(
            field, f"{field} may have {max_bytes} bytes as JSON, got {size}: {shown(document)}"
        )


def _children(node: Json) -> list[Json]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _nodes(schema: Json, role: Role) -> Iterator[tuple[Json, Role]]:
    """Every object and array that is a schema, holds schemas by name, or is a value."""
    stack: list[tuple[Json, Role]] = [(schema, role)]
    while stack:
        node, role = stack.pop()
        yield node, role
        if isinstance(node, list):
            stack.extend((child, role) for child in node if isinstance(child, dict | list))
        elif isinstance(node, dict) and role != "data":
            for key, child in node.items():
                if isinstance(child, dict | list):
                    stack.append((child, _role(key) if role == "schema" else "schema"))


def _role(keyword: str) -> Role:
    if keyword in NAMES:
        return "names"
    return "data" if keyword in DATA else "schema"


def _check_totals(nodes: list[tuple[Json, Role]], field: str) -> None:
    schemas = [node for node, role in nodes if role == "schema" and isinstance(node, dict)]
    num_properties = sum(
        len(names)
        for node in schemas
        for key in ("properties", "patternProperties")
        if isinstance(names := node.get(key), dict)
    )
    if num_properties > MAX_PROPERTIES:
        raise InvalidRequest(
            field, f"{field} may have {MAX_PROPERTIES} properties in all, got {num_properties}"
        )
    enums = [enum for node in schemas if isinstance(enum := node.get("enum"), list)]
    values = [value for enum in enums for value in enum]
    values += [node["const"] for node in schemas if "const" in node]
    check_values(values, field)
    patterns = [one for node in schemas if isinstance(one := node.get("pattern"), str)]
    size = sum(map(written_out_size, patterns))
    if size > MAX_PATTERN_SIZE:  # of 100,000 xgrammar's compiler fails, and not each time
        raise InvalidRequest(
            field,
            f"{field} repeats too much: its patterns' counts written out are {size} characters in "
            f"all, of at most {MAX_PATTERN_SIZE}",
        )


def check_values(values: list[Json], field: str) -> None:
    """Check the number of listed values and their total length in characters.

    Raises:
        InvalidRequest: they are too many, or too long together.
    """
    if len(values) > MAX_VALUES:
        raise InvalidRequest(
            field, f"{field} may list {MAX_VALUES} values in all, got {len(values)}"
        )
    num_chars = sum(len(v if isinstance(v, str) else json.dumps(v)) for v in values)
    if num_chars > MAX_VALUE_CHARS:
        raise InvalidRequest(
            field,
            f"{field} may list values of {MAX_VALUE_CHARS} characters together, got {num_chars}",
        )


def _check_keywords(node: Mapping[str, Json], field: str) -> None:
    if "pattern" in node:
        check_pattern(node["pattern"], field, "pattern")
    patterns = node.get("patternProperties")
    for pattern in patterns if isinstance(patterns, dict) else ():
        check_pattern(pattern, field, "patternProperties")
    for name in COUNTS & node.keys():
        count = node[name]
        is_count = isinstance(count, int | float) and not isinstance(count, bool)
        if not is_count or not 0 <= count <= MAX_COUNT:
            raise InvalidRequest(
                field, f"{field}: {name} must be in 0..{MAX_COUNT}, got {shown(count)}"
            )


def _check_references(schema: Json, nodes: list[tuple[Json, Role]], field: str) -> None:
    """That each `$ref` leads somewhere, and none back to itself before a character is read."""
    leads: dict[int, list[Json]] = {}
    for node, role in nodes:
        if role != "schema" or not isinstance(node, dict):
            continue
        targets = [c for key in UNCONSUMING if isinstance(v := node.get(key), list) for c in v]
        if "$ref" in node:
            targets.append(_resolve(schema, node["$ref"], field))
        leads[id(node)] = [target for target in targets if isinstance(target, dict)]
    for node, role in nodes:
        if role == "schema" and isinstance(node, dict) and "$ref" in node and _returns(node, leads):
            raise InvalidRequest(
                field,
                f"{field}: $ref {shown(node['$ref'])} leads back to itself; between a schema and "
                "itself there must be a property or an item",
            )


def _resolve(schema: Json, reference: Json, field: str) -> Json:
    name = f"{field}: $ref"
    is_local = isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))
    if not is_local:
        raise InvalidRequest(
            field, f'{name} must lead into the schema itself, "#/…", got {shown(reference)}'
        )
    node = schema
    for part in unquote(reference).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isascii() and key.isdigit() and len(key) < len("99999"):
            node = node[int(key)] if int(key) < len(node) else None
        else:
            node = node.get(key) if isinstance(node, dict) else None
        if node is None:
            raise InvalidRequest(field, f"{name} {shown(reference)} leads nowhere in the schema")
    return node


def _returns(start: Json, leads: Mapping[int, list[Json]]) -> bool:
    """Whether one gets from a node back to it."""
    seen: set[int] = set()
    stack = list(leads[id(start)])
    while stack:
        node = stack.pop()
        if node is start:
            return True
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(leads.get(id(node), ()))
    return False
