"""The decoders there are, picked by `strategy`: ours, and those that other packages give."""

import re
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, Field, TypeAdapter

from decoding.decoder import Decoder
from decoding.decoders.best_of_n import VERIFIERS, BestOfN
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.deepconf import DeepConf
from decoding.decoders.greedy import Greedy
from decoding.decoders.majority_vote import MajorityVote
from decoding.decoders.universal_vote import UniversalVote
from decoding.sampled import SampledDecoder
from decoding.verifiers import Verifiers

DECODERS: dict[str, type[Decoder]] = {
    decoder.model_fields["strategy"].default: decoder
    for decoder in (Greedy, CoTDecoding, MajorityVote, UniversalVote, DeepConf, BestOfN)
}
STRATEGY = re.compile(r"[a-z][a-z0-9_]{0,63}")


def register(decoder: type[Decoder]) -> None:
    """Add a decoder to the catalogue. One that is there already changes nothing.

    Raises:
        ValueError: it is no decoder, or its strategy is another's or no name.
    """
    if not (isinstance(decoder, type) and issubclass(decoder, Decoder)):
        raise ValueError("it is no subclass of Decoder")
    strategy = decoder.model_fields["strategy"].default
    is_literal = get_origin(decoder.model_fields["strategy"].annotation) is Literal
    if not is_literal or not isinstance(strategy, str) or not STRATEGY.fullmatch(strategy):
        raise ValueError(
            'its field `strategy` must be a name of lower-case letters, digits and "_", as in '
            'strategy: Literal["shortest"] = "shortest"'
        )
    if getattr(decoder, "__abstractmethods__", None):
        raise ValueError(f"it lacks {', '.join(sorted(decoder.__abstractmethods__))}")
    if DECODERS.setdefault(strategy, decoder) is not decoder:
        raise ValueError(f'there is another decoder of strategy "{strategy}"')
    _adapter.cache_clear()


@cache
def _adapter() -> TypeAdapter[Decoder]:
    union: Any = reduce(or_, DECODERS.values())  # a type of as many members as there are decoders
    return TypeAdapter(Annotated[union, Field(discriminator="strategy")])


def parse_decoder(value: Any, verifiers: Verifiers | None = None) -> Decoder:  # any JSON
    """The decoder that a request's `decoding` object describes. Without `verifiers` only those
    that come with this package can be named.

    Raises:
        pydantic.ValidationError: an unknown strategy or key, a wrong type, a value out of range.
    """
    return _adapter().validate_python(value, context={VERIFIERS: verifiers})


def decoder_table() -> str:
    """The catalogue as a Markdown table: strategy, what it does, parameters with defaults.

    What a strategy shares with all others, or with all that sample, has a row of its own.
    """
    rows = ["| `strategy` | what it does | parameters (default) |", "|---|---|---|"]
    for strategy, decoder in DECODERS.items():
        base: type[BaseModel] = SampledDecoder if issubclass(decoder, SampledDecoder) else Decoder
        summary = " ".join((decoder.__doc__ or "").split())
        rows.append(f"| `{strategy}` | {summary} | {_parameters(decoder, base)} |")
    rows.append(f"| all that sample | | {_parameters(SampledDecoder, Decoder)} |")
    rows.append(f"| all | | {_parameters(Decoder)} |")
    return "\n".join(rows)


def _parameters(decoder: type[BaseModel], base: type[BaseModel] | None = None) -> str:
    shared = base.model_fields if base else {}
    return "<br>".join(
        f"`{name}` ({_shown(field.default)}): {field.description}"
        for name, field in decoder.model_fields.items()
        if name != "strategy" and (name not in shared or shared[name].default != field.default)
    )


def _shown(default: object) -> str:
    return "unset" if default is None else f"`{str(default).lower()}`"
