"""A line a request in the log, written so that it costs the requests little."""

import asyncio
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import TextIO

from pythonjsonlogger.core import BaseJsonFormatter

from server.gate import routes
from server.gate.admission import Visit

MAX_LOGGED_CHARS = 200
FLUSH_AFTER_S = 0.1

logger = logging.getLogger("server.access")


class LogEntry:
    """One request, as the log tells of it. Nothing that a client wrote is in it but the path, and
    that as JSON."""

    def __init__(self, method: str, path: str) -> None:
        self._method = method
        self._path = path
        self.request_id = ""
        self.key = ""
        self.visit: Visit | None = None

    def end(self, status: int, seconds: float) -> None:
        """Write it, once all that the request set going is done and its tokens are known."""
        if self.visit is None:
            self._write(status, seconds)
        else:
            self.visit.when_over(lambda: self._write(status, seconds))

    def _write(self, status: int, seconds: float) -> None:
        if routes.is_open(self._path) and status == HTTPStatus.OK:
            return  # probes
        visit = self.visit
        fields = {
            "request_id": self.request_id,
            "method": self._method[:MAX_LOGGED_CHARS],
            "path": self._path[:MAX_LOGGED_CHARS],
            "status": status,  # 0: the client left
            "ms": round(seconds * 1000, 1),
            "key": self.key,
            "paths": visit.num_paths if visit else 0,
            "tokens": visit.num_tokens if visit else 0,
        }
        logger.info("request %s", _Told(fields), extra=fields)


class _Told:
    """The fields as a text, made where one is wanted."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __str__(self) -> str:
        return " ".join(f"{name}={json.dumps(value)}" for name, value in self._fields.items())


class AccessHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in stubs only
    """Writes where and as another handler does, and hands what is written to the system every
    `FLUSH_AFTER_S` instead of with each line: while a model runs in this process, a call that lets
    go of the interpreter's lock waits long to have it back."""

    def __init__(self, other: "logging.StreamHandler[TextIO]") -> None:
        super().__init__(other.stream)
        self.setLevel(other.level)
        self.setFormatter(other.formatter)
        self._is_json = isinstance(other.formatter, BaseJsonFormatter)
        self._flush_at: asyncio.TimerHandle | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._is_json:  # which has the fields apart
            record.msg, record.args = "request", ()
        return super().format(record)

    def flush(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # at the process's end
            super().flush()
            return
        if self._flush_at is None:
            self._flush_at = loop.call_later(FLUSH_AFTER_S, self._flush)

    def _flush(self) -> None:
        self._flush_at = None
        super().flush()
