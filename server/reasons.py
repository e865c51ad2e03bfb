"""What pydantic says is wrong with a value, in JSON's words: clients know lists, objects and null,
and no tuples, dictionaries and None."""

import re
from collections.abc import Sequence
from typing import Any

Errors = Sequence[Any]  # pydantic's error details, as FastAPI hands them on

_PREFIX = re.compile(r"^(Value error|Assertion failed), ")
_EXPECTED = re.compile(r"^input should be (?!(greater|less)\b)(?P<what>.+)")
_WORDS = (
    (r"a valid dictionary or (object to extract fields from|instance of \w+)", "a valid object"),
    (r" after validation(?=, not)", ""),
    (r"\b(an? )?instance of \w+", "a valid object"),
    (r"\bvalid (tuple|frozenset|set)\b", "valid list"),
    (r"^(tuple|frozenset|set)\b", "list"),
    (r"\btuple\b", "list"),
    (r"\biterable\b", "a valid list"),
    (r"\bvalid bytes\b", "valid string"),
    (r"\b(dictionary|dict)\b", "object"),
    (r"\b(NoneType|None)\b", "null"),
    (r"\bTrue\b", "true"),
    (r"\bFalse\b", "false"),
    (r"\bstr\b", "string"),
    (r"\bint\b", "integer"),
    (r"\bbool\b", "boolean"),
    (r"'", '"'),
)
_JSON_WORDS = tuple((re.compile(pattern), word) for pattern, word in _WORDS)


def in_json_words(message: str) -> str:
    """A message of pydantic's, or of a validator's, that begins in the middle of a sentence."""
    message = _PREFIX.sub("", message)
    message = message[:1].lower() + message[1:]
    for pattern, word in _JSON_WORDS:
        message = pattern.sub(word, message)
    return message


def reason_of(errors: Errors) -> str:
    """Why a value was refused, of which each error tells for one branch of a union.

    Where the value has the type of a branch, that branch's own rule is the reason. Otherwise it is
    all that would have been taken.
    """
    errors = [error for error in errors if not _counts_the_rest(error)] or errors
    rules = [error for error in errors if not _is_of_type(error)]
    if rules:
        return _reason(rules[0])
    reasons = [_reason(error) for error in errors]
    expected = [match["what"] for reason in reasons if (match := _EXPECTED.match(reason))]
    if len(expected) < len(reasons):
        return reasons[0]
    return f"input should be {' or '.join(dict.fromkeys(expected))}"


def _counts_the_rest(error: Any) -> bool:
    """Whether pydantic says that a list is too short without the items that it refused."""
    length = error.get("ctx", {}).get("actual_length")
    value = error.get("input")
    return error["type"] == "too_short" and isinstance(value, list) and length != len(value)


def _is_of_type(error: Any) -> bool:  # pydantic's error details
    kind: str = error["type"]
    return kind.endswith(("_type", "_parsing")) or kind in ("literal_error", "none_required")


def _reason(error: Any) -> str:  # likewise
    context = error.get("ctx", {})
    tag = in_json_words(str(context.get("discriminator", "")))
    if error["type"] == "union_tag_not_found":
        return f"{tag} is missing"
    if error["type"] == "union_tag_invalid":
        return f"{tag} should be one of {in_json_words(context['expected_tags'])}"
    return in_json_words(str(error["msg"]))
