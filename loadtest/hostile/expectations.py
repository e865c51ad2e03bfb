"""What may come back: predicates over an outcome, which say what is wrong with it."""

import json
import re
from typing import Any

from loadtest.hostile.case import Expectation, Outcome, Reply

MAX_MESSAGE_CHARS = 500
MAX_ERROR_BYTES = 4096
MAX_SHOWN_CHARS = 160
DELIBERATE = frozenset({503, 504})
INTERNALS = re.compile(
    rb'Traceback|File \\?"|site-packages|/(?:usr|root|home)/|\.py\b|0x[0-9a-f]{6,}|'
    rb"pydantic\.dev|\bat line \d+ of|<class '|object at "
)
ERROR_KEYS = frozenset({"message", "type", "param", "code"})


def refused(*statuses: int) -> Expectation:
    """Every reply is a clean error with one of these statuses; 400 where none is given."""
    allowed = frozenset(statuses or {400})

    def expect(outcome: Outcome) -> str | None:
        return _none_cut(outcome) or _first(
            outcome, lambda reply: _status(reply, allowed) or unclean(reply)
        )

    return expect


def answered(outcome: Outcome) -> str | None:
    """Every reply is a 200 that holds no error."""
    return _none_cut(outcome) or _first(
        outcome, lambda reply: _status(reply, frozenset({200})) or unclean(reply)
    )


def handled(outcome: Outcome) -> str | None:
    """Every reply is a success or a clean 4xx."""
    return _none_cut(outcome) or _first(outcome, unclean)


def refused_or_cut(outcome: Outcome) -> str | None:
    """Every reply to what may be no HTTP is a 4xx in any shape, or the connection is closed."""

    def complaint(reply: Reply) -> str | None:
        if not 400 <= reply.status < 500:
            return _got(reply)
        return unsafe(reply)

    if not outcome.replies and not outcome.num_cut:
        return "neither a reply nor a closed connection"
    return _first(outcome, complaint)


def handled_or_cut(outcome: Outcome) -> str | None:
    """A success, a 4xx in whatever shape, or the connection is closed."""
    return _first(outcome, unsafe)


def left(outcome: Outcome) -> str | None:
    """The client went without waiting: only what comes afterwards counts."""
    return _first(outcome, unclean)


def unclean(reply: Reply) -> str | None:
    """What an error has that it must not have, or lacks; None of a success without errors."""
    if reply.status < 400:
        return _stream_error(reply) if reply.is_stream else None
    return unsafe(reply) or _misshapen(reply.body)


def unsafe(reply: Reply) -> str | None:
    """A failure of the server's own, or an error that is long or tells of its insides."""
    if reply.status < 400:
        return None
    if reply.status >= 500 and reply.status not in DELIBERATE:
        return _got(reply)
    if len(reply.body) > MAX_ERROR_BYTES:
        return f"an error of {len(reply.body)} bytes: {_got(reply)}"
    if found := INTERNALS.search(reply.body):
        return f"tells internals ({found[0].decode(errors='replace')}): {_got(reply)}"
    return None


def _misshapen(body: bytes) -> str | None:
    try:
        content: Any = json.loads(body)
    except ValueError:
        return f"the error is no JSON: {_cut(body)}"
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or not set(content) <= {"error", "type", "request_id"}:
        return f"not OpenAI's shape: {_cut(body)}"
    message = error.get("message")
    if not isinstance(message, str) or not 0 < len(message) <= MAX_MESSAGE_CHARS:
        length = len(message) if isinstance(message, str) else 0
        return f"a message of {length} characters: {_cut(body)}"
    if set(error) != ERROR_KEYS:
        return f"the error has {sorted(error)}: {_cut(body)}"
    return None


def _stream_error(reply: Reply) -> str | None:
    """A stream tells errors as events, once the 200 is sent."""
    for line in reply.body.splitlines():
        if line.startswith(b'data: {"error"'):
            event = line.removeprefix(b"data: ")
            code = json.loads(event)["error"].get("code")
            status = code if isinstance(code, int) else 400
            if complaint := unsafe(Reply(status, {}, event)) or _misshapen(event):
                return complaint
    return None


def _none_cut(outcome: Outcome) -> str | None:
    if outcome.num_cut:
        return f"{outcome.num_cut} connections closed without a reply"
    return None if outcome.replies else "no reply"


def _first(outcome: Outcome, complaint: Any) -> str | None:  # Callable[[Reply], str | None]
    return next((said for reply in outcome.replies if (said := complaint(reply))), None)


def _status(reply: Reply, allowed: frozenset[int]) -> str | None:
    return None if reply.status in allowed else f"{_got(reply)}, expected {sorted(allowed)}"


def _got(reply: Reply) -> str:
    return f"status {reply.status}: {_cut(reply.body)}"


def _cut(body: bytes) -> str:
    text = body.decode(errors="replace")
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 1]}…"
