"""Choice of a decoder by a request's `model` and `decoding`, or an error that names the field."""

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from annotated_types import Ge
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from decoding.catalog import DECODERS, parse_decoder
from decoding.decoder import Decoder
from decoding.retrieval import Retrieval
from decoding.verifiers import Verifiers
from server.compatibility import sampling_of
from server.errors import InvalidRequest, shown
from server.reasons import reason_of

FIELD = "decoding"
RETRIEVAL = "retrieval"
MAX_MODELS = 3  # in a message
NOTHING_GIVEN: Mapping[str, Any] = MappingProxyType({})


def split_alias(model: str, served: Container[str]) -> tuple[str, str | None]:
    """`MODEL:strategy` as (MODEL, strategy); any other name as (name, None)."""
    base, colon, strategy = model.rpartition(":")
    if colon and model not in served and base in served and strategy in DECODERS:
        return base, strategy
    return model, None


def unknown_model(model: object, served: Iterable[str], *, has_decoders: bool) -> str:
    """What to tell whoever asks for a model that is not served."""
    names = list(map(shown, served))
    more = f" and {len(names) - MAX_MODELS} more" if len(names) > MAX_MODELS else ""
    said = f"model {shown(model)} is not served; /v1/models lists {_cut(names)}{more}"
    return f"{said}, each also as MODEL:STRATEGY: {', '.join(DECODERS)}" if has_decoders else said


def _cut(names: list[str]) -> str:
    return ", ".join(names[:MAX_MODELS])


def choose_decoder(
    decoding: Any,
    alias: str | None,
    max_paths: int,
    given: Mapping[str, Any] = NOTHING_GIVEN,
    verifiers: Verifiers | None = None,
) -> Decoder | None:
    """The decoder that a request names in `decoding` (any JSON), by its model's alias, or not.

    A decoder that samples takes over what the request's other fields, `given`, say of sampling,
    where `decoding` itself does not. `verifiers` are those that it may name.

    Raises:
        InvalidRequest: the object does not describe a decoder, contradicts the alias or asks
            for more paths than `max_paths`.
    """
    if decoding is None and alias is None:
        return None
    value = {} if decoding is None else decoding
    if is_wrapped(value):
        return _choose_wrapped(value, alias, max_paths, given, verifiers)
    own = _own_sampling(value, alias, given) if isinstance(value, dict) else {}
    try:
        decoder = _parse({**own, **value} if own else value, alias, max_paths, verifiers)
    except InvalidRequest as refusal:
        name = refusal.param.removeprefix(f"{FIELD}.")
        raise (InvalidRequest(name, refusal.message) if name in own else refusal) from None
    if decoder.num_paths > max_paths:
        name = decoder.fan_out_field or ""
        limits = f"{_least(type(decoder), name)}..{max_paths}"
        raise InvalidRequest(
            f"{FIELD}.{name}", f"{name} must be in {limits}, got {shown(decoder.num_paths)}"
        )
    return decoder


def is_wrapped(decoding: Any) -> bool:  # any JSON
    """Whether it is the strategy `retrieval`, with another as its `base`."""
    return isinstance(decoding, dict) and decoding.get("strategy") == RETRIEVAL


def _choose_wrapped(
    value: dict[str, Any],  # any JSON
    alias: str | None,
    max_paths: int,
    given: Mapping[str, Any],
    verifiers: Verifiers | None,
) -> Decoder:
    """The strategy `retrieval` is its `base` with a `retrieval` field, written inside out."""
    base = value.get("base", {} if alias else {"strategy": "greedy"})
    if not isinstance(base, dict) or base.get("strategy") == RETRIEVAL or RETRIEVAL in base:
        raise InvalidRequest(
            f"{FIELD}.base",
            f'base must be an object such as {{"strategy": "cot_decoding"}} without retrieval of '
            f"its own, got {shown(base)}",
        )
    own = {name: said for name, said in value.items() if name not in ("strategy", "base")}
    try:
        decoder = choose_decoder({**base, RETRIEVAL: own}, alias, max_paths, given, verifiers)
    except InvalidRequest as refusal:
        raise InvalidRequest(_rewrapped(refusal.param), refusal.message) from None
    assert decoder is not None
    return decoder


def _rewrapped(param: str) -> str:
    """Where the client wrote the field that a refusal names."""
    inner = param.removeprefix(f"{FIELD}.")
    if inner == param:
        return param
    if inner == RETRIEVAL or inner.startswith(f"{RETRIEVAL}."):
        return FIELD + inner.removeprefix(RETRIEVAL)
    return f"{FIELD}.base.{inner}"


def _least(decoder: type[Decoder], name: str) -> int:
    """The smallest value that the field allows."""
    bounds = (limit.ge for limit in decoder.model_fields[name].metadata if isinstance(limit, Ge))
    return cast(int, next(bounds))


def _own_sampling(
    value: dict[str, Any], alias: str | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The request's own sampling fields (any JSON) that its decoder has and leaves open."""
    decoder = DECODERS.get(str(value.get("strategy", alias)))
    own = sampling_of(decoder, given) if decoder is not None else {}
    return {name: said for name, said in own.items() if name not in value}


def _parse(
    value: Any,  # any JSON
    alias: str | None,
    max_paths: int,
    verifiers: Verifiers | None,
) -> Decoder:
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
            f"{FIELD}.strategy",
            f"strategy must be one of {_listed([*DECODERS, RETRIEVAL])}, got {got}",
        )
    if alias is not None and strategy != alias:
        raise InvalidRequest(
            f"{FIELD}.strategy",
            f'strategy is "{strategy}" but the model name asks for "{alias}"; name one of them',
        )
    try:
        return parse_decoder({**value, "strategy": strategy}, verifiers)
    except ValidationError as failure:
        raise _explain(failure, DECODERS[strategy], max_paths) from None


def _explain(failure: ValidationError, decoder: type[Decoder], max_paths: int) -> InvalidRequest:
    """The failure that reaches deepest into the request: of a union's, the branch meant. A key that
    is unknown comes before one that is missing: it may be the same, misspelt."""
    errors = failure.errors(include_url=False)
    error = max(errors, key=lambda e: (len(_field_path(e)), e["type"] == "extra_forbidden"))
    path = _field_path(error)
    name, value = (FIELD, *path)[-1], shown(error["input"])
    if error["type"] == "extra_forbidden":
        fields = {"answer": ["pattern"], RETRIEVAL: list(Retrieval.model_fields)}
        allowed = fields[path[0]] if len(path) > 1 else list(decoder.model_fields)
        message = f"unknown key {shown(name)}; allowed are {_listed(allowed)}"
    elif name == decoder.fan_out_field and error["type"] == "greater_than_equal":
        message = f"{name} must be in {_least(decoder, name)}..{max_paths}, got {value}"
        message += '; use "greedy" for one' if error["input"] == 1 else ""
    elif name == "temperature" and error["type"] == "greater_than":
        message = (
            f"temperature must be above 0, got {value}: at 0 all samples are the same; "
            'use "greedy" for one'
        )
    elif error["type"] == "missing":
        message = f"{name} is missing, got {value}"
    else:
        same = [other for other in errors if _field_path(other) == path]
        message = f"{name}: {reason_of(same)}, got {value}"
    return InvalidRequest(".".join(filter(None, (FIELD, *path))), message)


def _field_path(error: ErrorDetails) -> tuple[str, ...]:
    """The location without the union's tag and the names of types that pydantic puts in."""
    steps = [str(step) for step in error["loc"][1:]]
    return tuple(s for i, s in enumerate(steps) if i == 0 or (s.islower() and "[" not in s))


def _listed(names: Any) -> str:  # any iterable of strings
    return ", ".join(map(shown, names))
