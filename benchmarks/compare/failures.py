"""Why a peer did not run, in one line."""

import re

from openai import OpenAIError

from loadtest.client import RequestFailed
from measurement.child_process import ChildFailed

_REASON = re.compile(r"(?:\w+(?:Error|Exception|Exit)|error): (?P<reason>\S.*)$", re.IGNORECASE)
_NO_REASON = "Engine core initialization failed"
"""vLLM's way of saying that the reason stands above."""
MAX_CHARACTERS = 200


class PeerFailed(Exception):
    """The message says what a peer could not do."""


FAILURES = (PeerFailed, ChildFailed, RequestFailed, OpenAIError, OSError)
"""What a peer may fail by; anything else is a fault of ours."""


def last_reason(text: str) -> str:
    """The last line that names an error and says what is wrong; else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [match["reason"] for line in lines if (match := _REASON.search(line))]
    telling = [reason for reason in found if not reason.startswith(_NO_REASON)]
    reason = [*lines[-1:], *found[-1:], *telling[-1:]][-1] if lines else "it said nothing"
    return reason if len(reason) <= MAX_CHARACTERS else f"{reason[: MAX_CHARACTERS - 1]}…"
