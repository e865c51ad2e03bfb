"""What the gate says no with."""

from http import HTTPStatus

from server.errors import InvalidRequest


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
    def headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after_s + 0.5)))
        if self.allow is not None:
            headers["Allow"] = self.allow
        if self.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers
