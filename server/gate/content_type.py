"""What a body must say that it is. A page of any site can send forms and plain text without asking
the server first, JSON it cannot."""

import re
from collections.abc import Collection
from http import HTTPStatus

from server.errors import shown
from server.gate.headers import Head
from server.gate.refusals import Refused

JSON, FORM = "application/json", "multipart/form-data"
# Files may come to these as forms, and to the second as nothing else.
_DOCUMENTS = re.compile(r"/v1/collections/[^/]+/documents")
_AUDIO = "/v1/audio/"


def check_content_type(path: str, head: Head, extra: Collection[str] = ()) -> None:
    """Check that a request with a body declares a content type that the route takes.

    `extra` are routes that the operator opened, of which nothing is known.

    Raises:
        Refused: the Content-Type is missing, or is not one of the route's.
    """
    if head.get(b"content-length", b"0").strip(b"0") == b"" and b"transfer-encoding" not in head:
        return  # no body
    allowed = _allowed(path, extra)
    given = head.get(b"content-type")
    kind = (given or b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind not in allowed:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"{path} takes a body with Content-Type {' or '.join(allowed)}, got "
            f"{'none' if given is None else shown(given.decode('latin-1'))}",
            "content-type",
        )


def _allowed(path: str, extra: Collection[str]) -> tuple[str, ...]:
    if path.startswith(_AUDIO):
        return (FORM,)
    return (JSON, FORM) if path in extra or _DOCUMENTS.fullmatch(path) else (JSON,)
