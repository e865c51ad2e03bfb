"""Requests that ask for a decoder or a deadline by a name that is none of Winnow's.

vLLM's models take any further field and ignore it, so that such a request would be a plain one, and
its client would never know.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from decoding.catalog import DECODERS
from decoding.decoder import Decoder
from server.compatibility import SAMPLING_FIELDS
from server.errors import InvalidRequest, shown

DECODING, TIMEOUT = "decoding", "timeout_s"
EXTRA_BODY = "extra_body"
SYNONYMS = frozenset(
    {
        *("decode", "decoder", "decoders", "decoded", "strategy", "strategies", "decodestrategy"),
        *("decoderstrategy", "decodername", "decoderconfig", "decoderparams", "decoderoptions"),
    }
)
"""Of `decoding`, in small letters without anything between them."""
NEAR_BUT_OTHER = frozenset({"encoding", "encodings", "recoding"})
FREE_FORM = frozenset({"metadata", "user"})
"""Fields whose content is the client's own affair."""
LETTERS = {"decoding": DECODING, "timeouts": TIMEOUT}
LIKENESS = 0.85
"""Difflib's ratio of two names that differ in one letter out of seven; two letters swapped, too."""
MAX_NAMES = 64
"""So many of a request's further fields are looked at: a stock client sends a few."""
MAX_CHARS = 40
_NO_LETTER = re.compile("[^a-z]+")


def refuse_misspelt(fields: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for a field whose name means one of Winnow's.

    Args:
        fields: those of a request, any JSON.
    """
    for name, value in islice(fields.items(), MAX_NAMES):
        if value is None or name in (DECODING, TIMEOUT):
            continue
        if name == EXTRA_BODY and isinstance(value, dict) and value:
            raise InvalidRequest(
                EXTRA_BODY,
                f"{EXTRA_BODY} is a parameter of OpenAI's Python client, which sends what is in it "
                f"beside `model`; send {_listed(value)} there",
            )
        if len(name) <= MAX_CHARS and (meant := meant_by(name)) is not None:
            raise _did_you_mean(meant, name)


def refuse_unknown(fields: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for a field that means one of Winnow's by its name or by its content.

    Args:
        fields: those of a request, any JSON, that its route does not know.
    """
    refuse_misspelt(fields)
    for name, value in islice(fields.items(), MAX_NAMES):
        if name not in (DECODING, TIMEOUT, *FREE_FORM) and _describes_decoder(value):
            raise _did_you_mean(DECODING, name)


def refuse_misplaced(fields: Iterable[str], decoder: Decoder) -> None:
    """Raise InvalidRequest for a parameter of the decoder that is written beside `decoding`.

    Args:
        fields: names of those of the request that its route does not know.
    """
    for name in fields:
        if name in type(decoder).model_fields and name not in SAMPLING_FIELDS:
            raise InvalidRequest(
                name,
                f"{name} belongs inside `{DECODING}`, as in "
                f'{{"strategy": "{decoder.strategy}", "{name}": …}}',
            )


@lru_cache(maxsize=1024)
def meant_by(name: str) -> str | None:
    """The field of Winnow's own that the name is a misspelling of."""
    letters = _NO_LETTER.sub("", name.lower())
    if letters in NEAR_BUT_OTHER:
        return None
    if letters in SYNONYMS or letters.startswith("decoding"):
        return DECODING
    if letters.startswith("timeout"):
        return TIMEOUT
    near = difflib.get_close_matches(letters, LETTERS, n=1, cutoff=LIKENESS)
    return LETTERS[near[0]] if near else None


def _did_you_mean(meant: str, name: str) -> InvalidRequest:
    return InvalidRequest(name, f"unknown field {shown(name)}; did you mean `{meant}`?")


def _describes_decoder(value: Any) -> bool:  # any JSON
    if isinstance(value, str):
        return value in DECODERS and value != "greedy"  # which is a word of many clients
    if not isinstance(value, dict):
        return False
    strategy = value.get("strategy")
    is_described = isinstance(strategy, str) and strategy in DECODERS
    return is_described or isinstance(value.get(DECODING), dict)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(shown, islice(names, 5)))
