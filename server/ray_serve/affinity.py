"""Which requests belong together: those of one conversation, whose beginning a replica that has
answered the last turn still has in its prefix cache."""

import hashlib
import json
import os
from typing import Any

from pydantic_core import from_json

SESSION_HEADER = os.environ.get("RAY_SERVE_SESSION_ID_HEADER_KEY", "x-session-id").lower()
PREFIX_KEY = "winnow-prefix-"
"""How a session begins that no client named."""
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")
READ_BYTES = 64 * 1024
PROMPT_CHARS = 512


def prefix_key(body: bytes, authorization: bytes = b"") -> str | None:
    """What the turns of a conversation have in common; None where it cannot be told.

    Of messages it is everything up to the first of the user, so that a system message that all
    conversations share does not put them all on one replica; of a plain prompt, its first
    characters. Only the body's beginning is read. Callers are told apart, as they share no cached
    prefix.
    """
    try:
        asked = from_json(body[:READ_BYTES], allow_partial=True)
    except ValueError:
        return None  # the replica says what is wrong with it
    if not isinstance(asked, dict):
        return None
    beginning = _beginning(asked)
    if beginning is None:
        return None
    common = [authorization.decode("latin-1"), asked.get("model"), asked.get("system"), beginning]
    digest = hashlib.blake2b(json.dumps(common).encode(), digest_size=12).hexdigest()
    return PREFIX_KEY + digest


def _beginning(asked: dict[str, Any]) -> object:  # JSON
    for field in ("messages", "input", "prompt"):
        given = asked.get(field)
        if isinstance(given, str):
            return given[:PROMPT_CHARS]
        if isinstance(given, list) and given:
            return _up_to_first_user(given)
    return None


def _up_to_first_user(parts: list[Any]) -> list[Any]:  # JSON: messages, or token ids
    for number, part in enumerate(parts):
        if isinstance(part, dict) and part.get("role") == "user":
            return parts[: number + 1]
    return parts[:PROMPT_CHARS]
