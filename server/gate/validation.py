"""What is wrong with a body that one of vLLM's models refused, in a sentence."""

import re
from typing import Any

from server.errors import shown
from server.reasons import Errors, in_json_words, reason_of

# pydantic's names for types and validators, which stand between the fields' names.
_INTERNAL = re.compile(
    r"[\[\](){}]|^[A-Z]|^(function-|json-or-|lax-or-|tagged-union$|union$|chain$|nullable$|default$)"
    r"|^(str|int|float|bool|bytes|list|dict|tuple|set|none|constrained-\w+)$"
)
# What Python says of an operation that a value does not have.
_PYTHONS_OWN = re.compile(
    r"^'\w+' object |^(object|argument) of type '\w+'|^unhashable type|\w\(\) (got|takes|missing) |"
    r"^can only concatenate|^unsupported operand|^sequence item \d+|indices must be|"
    r"not supported between instances|\bmust be \w+, not \w+$"
)


def explain(errors: Errors) -> tuple[str, str | None]:
    """The message, and the field that it is about: of the branches of a union, the one that the
    client came furthest in."""
    if not errors:
        return "the request is not valid", None
    if isinstance(errors[0], str):  # vLLM's own word on a content-type
        return errors[0], "content-type"
    error = max(errors, key=lambda one: len(_path(one)))
    parameter = getattr(error.get("ctx", {}).get("error"), "parameter", None)
    place = ".".join(_path(error)) or "body"
    param = parameter if isinstance(parameter, str) else place
    if error["type"] == "missing":
        return f"{place} is missing", param
    if error["type"] == "json_invalid":
        reason = error.get("ctx", {}).get("error", error["msg"])
        return f"the body is not valid JSON: {reason}", "body"
    reason = reason_of([other for other in errors if _path(other) == _path(error)])
    return f"{place}: {reason}, got {shown(error.get('input'))}", param


def plain_message(message: str) -> str:
    """A message without Python's and pydantic's own words, which vLLM hands on where it reads a
    part of a request by itself: of the branches that failed, the first."""
    if _PYTHONS_OWN.search(message):
        return "the request is not valid: a part of it has another type than it should have"
    head, _, rest = message.partition("\n")
    if "validation error" not in head:
        return message
    lines = [line.strip() for line in rest.splitlines()]
    reason = next((line.partition(" [type=")[0] for line in lines if " [type=" in line), "")
    if not reason:
        return "the request is not valid"
    return f"the request is not valid: {in_json_words(reason)}"


def _path(error: Any) -> tuple[str, ...]:
    steps = [str(step) for step in error.get("loc", ())]
    return tuple(s for s in steps[1:] if not _INTERNAL.search(s))
