"""From a request's `model` and `decoding` to a decoder, or to an error that names the field."""

from collections.abc import Container
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from decoding.catalog import DECODERS, parse_decoder
from decoding.decoder import Decoder
from server.errors import InvalidRequest, shown

FIELD = "decoding"


def split_alias(model: str, served: Container[str]) -> tuple[str, str | None]:
    """`MODEL:strategy` as (MODEL, strategy); any other name as (name, None)."""
    base, colon, strategy = model.rpartition(":")
    if colon and model not in served and base in served and strategy in DECODERS:
        return base, strategy
    return model, None


def choose_decoder(decoding: Any, alias: str | None, max_paths: int) -> Decoder | None:
    """The decoder that a request names in `decoding` (any JSON), by its model's alias, or not.

    Raises:
        InvalidRequest: the object does not describe a decoder, contradicts the alias or asks
            for more paths than `max_paths`.
    """
    if decoding is None and alias is None:
        return None
    decoder = _parse({} if decoding is None else decoding, alias, max_paths)
    if decoder.num_paths > max_paths:
        raise InvalidRequest(
            f"{FIELD}.{decoder.fan_out_field}",
            f"{decoder.fan_out_field} must be in 1..{max_paths}, got {shown(decoder.num_paths)}",
        )
    return decoder


def _parse(value: Any, alias: str | None, max_paths: int) -> Decoder:  # any JSON
    if not isinstance(value, dict):
        raise InvalidRequest(
            FIELD,
            f'decoding must be an object such as {{"strategy": "cot_decoding"}}, '
            f"got {shown(value)}",
        )
    strategy = value.get("strategy", alias)
    if not isinstance(strategy, str) or strategy not in DECODERS:
        got = shown(strategy) if "strategy" in value else "no strategy"
        raise InvalidRequest(
            f"{FIELD}.strategy", f"strategy must be one of {_listed(DECODERS)}, got {got}"
        )
    if alias is not None and strategy != alias:
        raise InvalidRequest(
            f"{FIELD}.strategy",
            f'strategy is "{strategy}" but the model name asks for "{alias}"; name one of them',
        )
    try:
        return parse_decoder({**value, "strategy": strategy})
    except ValidationError as failure:
        raise _explain(failure, DECODERS[strategy], max_paths) from None


def _explain(failure: ValidationError, decoder: type[Decoder], max_paths: int) -> InvalidRequest:
    """The failure that reaches deepest into the request: of a union's, the branch meant."""
    error = max(failure.errors(include_url=False), key=lambda e: len(_field_path(e)))
    path = _field_path(error)
    name, value = (FIELD, *path)[-1], shown(error["input"])
    if error["type"] == "extra_forbidden":
        allowed = ["pattern"] if len(path) > 1 else list(decoder.model_fields)
        message = f"unknown key {shown(name)}; allowed are {_listed(allowed)}"
    elif name == decoder.fan_out_field and error["type"] == "greater_than_equal":
        message = f"{name} must be in 1..{max_paths}, got {value}"
    else:
        reason = error["msg"].removeprefix("Value error, ")
        message = f"{name}: {reason[0].lower()}{reason[1:]}, got {value}"
    return InvalidRequest(".".join((FIELD, *path)), message)


def _field_path(error: ErrorDetails) -> tuple[str, ...]:
    """The location without the union's tag and the names of types that pydantic puts in."""
    steps = [str(step) for step in error["loc"][1:]]
    return tuple(s for i, s in enumerate(steps) if i == 0 or (s.islower() and "[" not in s))


def _listed(names: Any) -> str:  # any iterable of strings
    return ", ".join(f'"{name}"' for name in names)
