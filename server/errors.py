"""Errors that a client can mend, and the reply that tells it how.

InvalidRequest     400 or what it says, names the field, the value and what is allowed
CollectionError    drawn in `retrieval.store`; each has its status below
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from retrieval.embedders import EmbedderFailed
from retrieval.rerankers import RerankerFailed
from retrieval.store import (
    BadName,
    CollectionError,
    CollectionExists,
    JudgedOtherwise,
    QuotaExceeded,
    StoreBroken,
    StoreBusy,
    StoreFull,
    UnknownCollection,
    UnknownDocument,
    UnknownReply,
    WrongVectors,
)

ERROR_TYPES: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "AuthenticationError",
    HTTPStatus.FORBIDDEN: "PermissionDeniedError",
    HTTPStatus.NOT_FOUND: "NotFoundError",
    HTTPStatus.TOO_MANY_REQUESTS: "RateLimitError",
}
MAX_MESSAGE_CHARS = 500
MAX_SHOWN_VALUE_CHARS = 80


class InvalidRequest(ValueError):
    """The request contradicts itself, a limit or the server; `param` names the field."""

    def __init__(
        self, param: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(message)
        self.param = param
        self.message = message
        self.status = status


COLLECTION_STATUS: Mapping[type[CollectionError], HTTPStatus] = {
    BadName: HTTPStatus.BAD_REQUEST,
    UnknownCollection: HTTPStatus.NOT_FOUND,
    UnknownDocument: HTTPStatus.NOT_FOUND,
    UnknownReply: HTTPStatus.NOT_FOUND,
    JudgedOtherwise: HTTPStatus.CONFLICT,
    CollectionExists: HTTPStatus.CONFLICT,
    WrongVectors: HTTPStatus.CONFLICT,
    QuotaExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
    EmbedderFailed: HTTPStatus.BAD_GATEWAY,
    RerankerFailed: HTTPStatus.BAD_GATEWAY,
}


def shown(value: object) -> str:
    """A client's value as an error message quotes it: as JSON, cut to a bearable length."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
        text = text.encode(errors="backslashreplace").decode()  # half a character stays readable
    except (ValueError, RecursionError):  # too many digits to print, nested too deep
        text = f"<{type(value).__name__}>"
    if len(text) <= MAX_SHOWN_VALUE_CHARS:
        return text
    return text[: MAX_SHOWN_VALUE_CHARS - 1] + "…"


def error_response(
    message: str,
    param: str | None = None,
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error in OpenAI's shape."""
    content = error_content(message, param, status)
    return JSONResponse(content, status_code=status, headers=headers)


def error_content(
    message: str, param: str | None, status: HTTPStatus, kind: str | None = None
) -> dict[str, Any]:  # JSON
    """`type` and `code` are written as vLLM writes them; `kind` is a type that it gave."""
    if len(message) > MAX_MESSAGE_CHARS:
        message = message[: MAX_MESSAGE_CHARS - 1] + "…"
    return {
        "error": {
            "message": message,
            "type": kind or ERROR_TYPES.get(status) or _error_type(status),
            "param": param,
            "code": int(status),
        }
    }


def _error_type(status: HTTPStatus) -> str:
    return (
        "InternalServerError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "BadRequestError"
    )
