"""What the gate says no with."""

import json
from http import HTTPStatus

from server.errors import InvalidRequest, error_content


class Refused(InvalidRequest):
    """`retry_after_s` is when to come back, where that helps; `allow` the methods of the route."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        param: str | None = None,
        retry_after_s: float | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(param or "", message, status)
        self.allow = allow
        self.retry_after_s = retry_after_s

    @property
    def reply(self) -> bytes:
        """The body that says so."""
        return json.dumps(error_content(self.message, self.param or None, self.status)).encode()

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after_s + 0.5)))
        if self.allow is not None:
            headers["Allow"] = self.allow
        if self.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers
