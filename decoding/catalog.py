"""The decoders there are, picked by `strategy`. A new decoder is one line in the union."""

from typing import Annotated, Any, get_args

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

AnyDecoder = Annotated[
    Greedy | CoTDecoding | MajorityVote | UniversalVote | DeepConf | BestOfN,
    Field(discriminator="strategy"),
]

DECODERS: dict[str, type[Decoder]] = {
    decoder.model_fields["strategy"].default: decoder
    for decoder in get_args(get_args(AnyDecoder)[0])
}

_ADAPTER: TypeAdapter[Decoder] = TypeAdapter(AnyDecoder)


def parse_decoder(value: Any, verifiers: Verifiers | None = None) -> Decoder:  # any JSON
    """The decoder that a request's `decoding` object describes. Without `verifiers` only those
    that come with this package can be named.

    Raises:
        pydantic.ValidationError: an unknown strategy or key, a wrong type, a value out of range.
    """
    return _ADAPTER.validate_python(value, context={VERIFIERS: verifiers})


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
