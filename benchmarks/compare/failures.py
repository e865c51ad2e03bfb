"""Why a peer did not run, in one line."""

from openai import OpenAIError

from loadtest.client import RequestFailed
from measurement import child_process
from measurement.child_process import ChildFailed

MAX_CHARACTERS = 200


class PeerFailed(Exception):
    """The message says what a peer could not do."""


FAILURES = (PeerFailed, ChildFailed, RequestFailed, OpenAIError, OSError)
"""What a peer may fail by; anything else is a fault of ours."""


def last_reason(text: str) -> str:
    """The last line that names an error and says what is wrong, cut where it is long."""
    reason = child_process.last_reason(text)
    return reason if len(reason) <= MAX_CHARACTERS else f"{reason[: MAX_CHARACTERS - 1]}…"
