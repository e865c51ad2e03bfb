"""uvicorn's protocol with bounds on a request's head, which under httptools has none: neither on
its size (a single header grows until memory ends) nor on its time."""

import json
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import ClassVar

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.errors import error_content
from server.gate.headers import MAX_HEAD_BYTES, MAX_HEADERS, head_too_large


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is too large or takes too long."""

    head_timeout_s: ClassVar[float] = 10.0
    _timer: TimerHandle | None = None
    _is_in_head = True
    _num_head_bytes = 0
    _is_head_too_large = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as theirs
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._num_head_bytes += len(data)
        super().data_received(data)
        is_growing = self._is_in_head and self._num_head_bytes > MAX_HEAD_BYTES
        if is_growing and not self.transport.is_closing():
            self._send_error(head_too_large().status, head_too_large().message)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._is_head_too_large = True
            raise ValueError("too many headers")  # which the parser reports as a bad request

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_head = True
        self._num_head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._is_head_too_large:
            self._send_error(head_too_large().status, head_too_large().message)
        else:
            self._send_error(HTTPStatus.BAD_REQUEST, msg)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            message = f"the request's head was not complete within {self.head_timeout_s:g} s"
            self._send_error(HTTPStatus.REQUEST_TIMEOUT, message)

    def _send_error(self, status: HTTPStatus, message: str) -> None:
        body = json.dumps(error_content(message, None, status)).encode()
        head = (
            f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def install(head_timeout_s: float) -> None:
    """Let uvicorn, which vLLM configures, take this protocol."""
    BoundedProtocol.head_timeout_s = head_timeout_s
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"
