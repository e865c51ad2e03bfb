"""A request's head: how much of it there may be, and the request's id."""

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from starlette.types import Scope

from server.errors import shown
from server.gate.refusals import Refused

MAX_HEADERS = 100
MAX_HEAD_BYTES = 32 * 1024
REQUEST_ID = "X-Request-Id"
HEADER = REQUEST_ID.lower().encode()
SINGLE = (b"authorization", b"content-type", b"host", b"origin", b"x-api-key", HEADER)
CONTINUE = b"100-continue"
REQUEST_ID_FORM = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

Head = Mapping[bytes, bytes]
"""Headers by name in small letters; of several of one name, the last."""


def check_size(scope: Scope) -> None:
    """Check the number of headers and the size of the request's head.

    Raises:
        Refused: one of them exceeds its limit.
    """
    headers = scope["headers"]
    num_bytes = sum(len(name) + len(value) for name, value in headers)
    num_bytes += len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
    if len(headers) > MAX_HEADERS or num_bytes > MAX_HEAD_BYTES:
        raise head_too_large()


def check_single(scope: Scope) -> None:
    """Check that no header of SINGLE is repeated.

    Raises:
        Refused: one is; a proxy may have read the other value.
    """
    names = [name for name, _ in scope["headers"] if name in SINGLE]
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"there is more than one {name.decode()}", name.decode()
            )


def check_expectation(scope: Scope) -> None:
    """Check that the request's Expect header, if any, is `100-continue`.

    Raises:
        Refused: the client expects what this server does not do.
    """
    for name, value in scope["headers"]:
        if name == b"expect" and value.strip().lower() != CONTINUE:
            raise Refused(
                HTTPStatus.EXPECTATION_FAILED,
                f"expect may be 100-continue, got {shown(value.decode('latin-1'))}; leave it out",
                "expect",
            )


def head_too_large() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"a request may have {MAX_HEADERS} headers and a head of {MAX_HEAD_BYTES:,} bytes",
    )


def given_request_id(head: Head) -> str | None:
    """Return the request id that the client sent; None if it sent none.

    Raises:
        Refused: the id is malformed.
    """
    given = head.get(HEADER)
    if given is None:
        return None
    if REQUEST_ID_FORM.fullmatch(given) is None:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "X-Request-Id must be 1 to 128 letters, digits or any of . _ : -, got "
            f"{shown(given.decode('latin-1'))}",
            REQUEST_ID,
        )
    return given.decode()


def new_request_id() -> str:
    return uuid4().hex


def with_engine_id(scope: Scope, given: str | None, request_id: str) -> Scope:
    """The scope with the id that vLLM shall take. One that a client made up is not unique, and
    whoever guesses it could name another's reply: something random is added to it."""
    engine_id = request_id if given is None else f"{given}-{secrets.token_hex(8)}"
    others = [pair for pair in scope["headers"] if pair[0] != HEADER]
    return {**scope, "headers": [*others, (HEADER, engine_id.encode())]}
