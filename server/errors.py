"""Errors that a client can mend, and the reply that tells it how.

InvalidRequest     400, names the field, the value and what is allowed
"""

import json
from http import HTTPStatus

from fastapi.responses import JSONResponse

MAX_MESSAGE_CHARS = 500
MAX_SHOWN_VALUE_CHARS = 80


class InvalidRequest(ValueError):
    """The request contradicts itself, a limit or the server; `param` names the field."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param
        self.message = message


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
) -> JSONResponse:
    """An error in OpenAI's shape; `type` and `code` are written as vLLM writes them."""
    error = {
        "message": message[:MAX_MESSAGE_CHARS],
        "type": _error_type(status),
        "param": param,
        "code": int(status),
    }
    return JSONResponse({"error": error}, status_code=status)


def _error_type(status: HTTPStatus) -> str:
    if status is HTTPStatus.NOT_FOUND:
        return "NotFoundError"
    return (
        "InternalServerError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "BadRequestError"
    )
