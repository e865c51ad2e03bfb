"""What the operator's settings make of canaries, read before the engine starts."""

import json
from dataclasses import dataclass
from typing import Any

from decoding.decoder import Decoder
from decoding.verifiers import Verifiers
from server.canaries.problems import ProblemFile, UnusableCanaries, read_problems
from server.errors import InvalidRequest
from server.settings import Settings
from server.wire import FIELD, choose_decoder


@dataclass(frozen=True, slots=True)
class Canaries:
    """Which problems are asked, by which decoders; no two have one strategy, as their figures
    could not be told apart."""

    file: ProblemFile
    decoders: tuple[Decoder, ...]


def load_canaries(settings: Settings, verifiers: Verifiers) -> Canaries | None:
    """None where the operator wants none.

    Raises:
        UnusableCanaries: the file holds no problem, or a decoder cannot be had.
    """
    if settings.canaries is None:
        return None
    file = read_problems(settings.canaries)
    decoders = tuple(_decoder(said, settings, verifiers) for said in settings.canary_decoders)
    strategies = [decoder.strategy for decoder in decoders]
    if len(set(strategies)) < len(strategies):
        raise UnusableCanaries(
            f"WINNOW_CANARY_DECODERS must name each strategy once, got {', '.join(strategies)}"
        )
    return Canaries(file, decoders)


def _decoder(
    said: str | dict[str, Any],  # a strategy, or any JSON
    settings: Settings,
    verifiers: Verifiers,
) -> Decoder:
    value = {"strategy": said} if isinstance(said, str) else said
    try:
        decoder = choose_decoder(value, None, settings.max_paths, {}, verifiers)
    except InvalidRequest as refusal:
        name = refusal.param.removeprefix(f"{FIELD}.")
        raise UnusableCanaries(
            f"WINNOW_CANARY_DECODERS: {name} of {json.dumps(said)}: {refusal.message}"
        ) from None
    assert decoder is not None, "a decoder was named"
    for name in ("retrieval", "reference"):
        if getattr(decoder, name) is not None:
            raise UnusableCanaries(
                f"WINNOW_CANARY_DECODERS: canaries cannot be asked with {name}, as in "
                f"{json.dumps(said)}"
            )
    return decoder
