"""`priority`, by which a client may put its own request behind others and never before them.

vLLM schedules low numbers first. A request that says nothing has 0, and a canary the last one.
"""

import json

from server.errors import InvalidRequest, shown
from server.gate.headers import Head

LAST = 2**31 - 1
MAX_PRIORITY = LAST - 1
FIELD, HEADER = "priority", "X-Vllm-Priority"
_MAY_NAME_IT = (FIELD.encode(), b"\\u")  # a key may be written in escapes


def check_header(head: Head, max_priority: int) -> None:
    """vLLM takes the header before the field, and ignores one that is no number.

    Args:
        max_priority: 0 where the engine's scheduler knows no priorities.

    Raises:
        InvalidRequest: it is none of a client's priorities.
    """
    given = head.get(HEADER.lower().encode())
    if given is None:
        return
    if not (given.isdigit() and len(given) <= len(str(LAST)) and int(given) <= max_priority):
        raise _refused(HEADER, given.decode("latin-1"), max_priority)


def check_body(body: bytes, max_priority: int) -> None:
    """Likewise of the field.

    Raises:
        InvalidRequest: it is none of a client's priorities.
    """
    if not any(sign in body for sign in _MAY_NAME_IT):
        return
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return  # the route says what is wrong with it
    value = content.get(FIELD) if isinstance(content, dict) else None
    if value is None:
        return
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= max_priority:
        raise _refused(FIELD, value, max_priority)


def _refused(name: str, value: object, max_priority: int) -> InvalidRequest:
    if max_priority == 0:
        rule = "must be 0 or left out: others need a server with --scheduling-policy priority"
    else:
        rule = f"must be an integer in 0..{max_priority}, which puts a request behind those with 0"
    return InvalidRequest(name, f"{name} {rule}, got {shown(value)}")
