"""uvicorn's protocol with bounds on everything that a client sends and on the time that it takes.

One request is parsed at a time: what comes behind it is kept unparsed, at most `HIGH_WATER_LIMIT`
and one read, until its reply has been sent. A connection is always in one of these states:

    head      until the head is complete     408 after `head_timeout_s`
    body      until the body is complete     408 after `body_timeout_s`; trailers `head_timeout_s`
    at work   until the reply is sent        bounded by the app; see "unread" below
    idle      until the next head begins     closed after uvicorn's `timeout_keep_alive`
    unread    the client takes no reply      aborted after `write_timeout_s`, beside the others
    closing   until all is sent              aborted after `write_timeout_s`

A reply that begins before the body is complete is the last one of its connection.
"""

import json
import re
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.errors import error_content
from server.gate.headers import MAX_HEAD_BYTES, MAX_HEADERS, head_too_large
from server.gate.transport import Alarm, ClosingTransport, Flow
from server.settings import Settings

PAST_DEADLINE_S = 2.0
"""How long a client may take nothing when the time of its request is over."""
REPLY_BY = "winnow_reply_by"
"""The state of a scope that says when the request's time is over, by the loop's clock."""
EMPTY_LINE = re.compile(rb"\n\r?\n")
PARTS_AT_ONCE = 1000
"""Lines that are parsed before other connections have their turn."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections that send too much, or take too long for anything."""

    head_timeout_s: ClassVar[float] = 10.0
    body_timeout_s: ClassVar[float] = 30.0
    write_timeout_s: ClassVar[float] = 30.0
    body_grace_s: ClassVar[float] = 1.0
    """What a body's time is longer by here: the gate's own 408, which has an id, comes first."""

    def __init__(self, *args: Any, **options: Any) -> None:  # as uvicorn's
        super().__init__(*args, **options)
        self._alarm, self._write_alarm = Alarm(self.loop), Alarm(self.loop)
        self._unparsed = bytearray()
        self._is_in_head = True
        self._is_at_work = False
        self._is_upgrading = self._is_switched = False
        self._is_after_chunk_header = self._is_in_trailers = False
        self._num_left: int | None = 0  # of the body; None of one in chunks
        self._num_headers = self._num_head_bytes = self._num_framing_bytes = 0
        self._num_unsent, self._taken_at = 0, 0.0

    # Of the connection.

    def connection_made(self, transport: Any) -> None:  # an asyncio.Transport
        bounded = ClosingTransport(transport, self.loop, self.write_timeout_s)
        self._bounded = bounded
        super().connection_made(bounded)  # type: ignore[arg-type]  # has all that is used of one
        self._flow = self.flow = Flow(bounded, self._parse_soon)
        self._alarm.set(self.head_timeout_s, self._refuse_late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._alarm.cancel()
        self._write_alarm.cancel()
        self._bounded.lost()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._bounded.is_receiving = False  # nobody is waited for
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self._unparsed += data
            self._parse()

    # Parsing: line by line where lines are, so that it is known what each part was.

    def _parse_soon(self) -> None:
        if self._unparsed:
            self.loop.call_soon(self._parse)

    def _parse(self) -> None:
        for _ in range(PARTS_AT_ONCE):
            if not self._unparsed or not self._may_parse():
                break
            self._feed(self._next_part())
        else:
            self._parse_soon()
        if self.transport.is_closing():
            self._unparsed.clear()
        else:
            self._flow.read(len(self._unparsed) <= HIGH_WATER_LIMIT)

    def _may_parse(self) -> bool:
        if self._is_at_work or self._is_switched or self.transport.is_closing():
            return False
        return self._is_in_head or len(self.cycle.body) <= HIGH_WATER_LIMIT

    def _next_part(self) -> bytes:
        if not self._num_framing_bytes and (end := EMPTY_LINE.search(self._unparsed)):
            num_bytes = end.end()  # the head, whole
        elif self._is_in_head or self._num_left is None:
            num_bytes = self._unparsed.find(b"\n", 0, HIGH_WATER_LIMIT) + 1 or HIGH_WATER_LIMIT
        else:
            num_bytes = min(self._num_left, HIGH_WATER_LIMIT)
        part = bytes(self._unparsed[:num_bytes])
        del self._unparsed[:num_bytes]
        return part

    def _feed(self, part: bytes) -> None:
        self._num_framing_bytes += len(part)
        if self._is_in_head and self._num_framing_bytes > MAX_HEAD_BYTES:
            self._refuse_large_head()
            return
        was_after_chunk_header = self._is_after_chunk_header
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:
            self._refuse_unreadable()
        if self._is_in_head or self._num_left is not None:
            return
        # Of a body in chunks: lines that bring none of it are sizes, extensions and trailers.
        if self._num_framing_bytes > MAX_HEAD_BYTES:
            self._refuse_large_head()
        elif was_after_chunk_header and self._is_after_chunk_header and not self._is_in_trailers:
            self._is_in_trailers = True
            self._alarm.set(self.head_timeout_s, self._refuse_late_head)

    # Called by the parser.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._num_headers = 0
        self._bounded.is_receiving = True
        if self.cycle is not None:  # the first head's time began with the connection
            self._alarm.set(self.head_timeout_s, self._refuse_late_head)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._num_headers += 1
        if self._num_headers > MAX_HEADERS:
            raise ValueError("too many headers")  # which the parser reports as a bad request
        if self._is_in_head:  # trailers are counted, and never become headers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self.parser.should_upgrade():
            self._is_upgrading = True  # decided by `_upgrade`, which is called right after
            return
        self._num_head_bytes = self._num_framing_bytes
        self._is_after_chunk_header = self._is_in_trailers = False
        head = dict(self.headers)
        is_chunked = b"transfer-encoding" in head
        self._num_left = None if is_chunked else int(head.get(b"content-length", 0))
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False
        self._alarm.set(self.body_timeout_s + self.body_grace_s, self._refuse_late_body)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._is_after_chunk_header = True

    def on_body(self, body: bytes) -> None:
        self._is_after_chunk_header = False
        self._num_framing_bytes = self._num_head_bytes
        if self._num_left is not None:
            self._num_left -= len(body)
        self.cycle.waiting_for_100_continue = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_upgrading:
            return
        self._alarm.cancel()
        self._is_in_head = self._is_at_work = True
        self._bounded.is_receiving = False
        self._num_framing_bytes = 0
        self.cycle.waiting_for_100_continue = False
        super().on_message_complete()

    # Of upgrades: to a websocket, or none.

    def _upgrade(self) -> None:
        self._is_upgrading = False
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "there is no method CONNECT here")
        elif self._is_websocket(method):
            self._alarm.cancel()
            self._bounded.is_receiving, self._is_switched = False, True
            self.scope["method"] = method.decode()
            self._switch_to_websocket()
        else:
            self._read_without_upgrade(method)

    def _is_websocket(self, method: bytes) -> bool:
        head = dict(self.headers)
        has_body = b"transfer-encoding" in head or head.get(b"content-length", b"0") != b"0"
        is_whole = b"sec-websocket-key" in head and self.parser.get_http_version() == "1.1"
        return method == b"GET" and is_whole and not has_body and self._should_upgrade()

    def _switch_to_websocket(self) -> None:
        self.handle_websocket_upgrade()
        # A head that `websockets` cannot read leaves its protocol waiting for the connection's end.
        if not getattr(self.transport.get_protocol(), "handshake_initiated", True):
            self._refuse(HTTPStatus.BAD_REQUEST, "the head of the websocket's request is invalid")

    def _read_without_upgrade(self, method: bytes) -> None:
        """Read the request as if nothing had been offered (RFC 9110, 7.8): the parser took the
        offer for accepted, and the body for what comes after it."""
        first_line = b"%s %s HTTP/%s\r\n" % (
            method,
            self.url,
            self.parser.get_http_version().encode(),
        )
        others = [b"%s: %s\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._is_in_head = True
        try:
            self.parser.feed_data(b"".join([first_line, *others, b"\r\n"]))
        except httptools.HttpParserError:
            self._refuse_unreadable()

    # Of the reply.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # an ASGI app
        super()._start_asgi_task(cycle, self._closing(cycle, app))

    def _closing(self, cycle: RequestResponseCycle, app: ASGIApp) -> Any:  # an ASGI app
        """`app`, whose reply is the last of the connection if the body is not complete, and which
        ends the connection if it gives a reply up."""

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_closing(message: Message) -> None:
                if cycle.more_body:
                    cycle.keep_alive = False
                await send(message)

            await app(scope, receive, send_closing)
            if cycle.response_started and not cycle.response_complete:
                cycle.disconnected = True
                self.transport.abort()

        return run

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._is_at_work = False
        if not self.transport.is_closing():
            self._alarm.set(self.timeout_keep_alive, self.timeout_keep_alive_handler)
            self._parse_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._num_unsent = self.transport.get_write_buffer_size()
        self._taken_at = self.loop.time()
        self._watch_writing()

    def resume_writing(self) -> None:
        self._write_alarm.cancel()
        super().resume_writing()

    def _watch_writing(self) -> None:
        """End the connection of a client that takes nothing of what is sent to it."""
        now, num_unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if num_unsent < self._num_unsent:
            self._taken_at = now
        self._num_unsent = num_unsent
        ends_at = self._taken_at + self.write_timeout_s
        if self.cycle is not None and not self.cycle.response_complete:
            reply_by = self.cycle.scope["state"].get(REPLY_BY, ends_at)
            ends_at = min(ends_at, reply_by + PAST_DEADLINE_S)
        if now >= ends_at:
            self.transport.abort()
        else:
            pause_s = min(ends_at - now, self.write_timeout_s / 4)
            self._write_alarm.set(pause_s, self._watch_writing)

    # What is said without the app, which never saw the request or can read no more of it.

    def _refuse_large_head(self) -> None:
        self._refuse(head_too_large().status, head_too_large().message)

    def _refuse_unreadable(self) -> None:
        if self._num_headers > MAX_HEADERS:
            self._refuse_large_head()
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "Invalid HTTP request received.")

    def _refuse_late_head(self) -> None:
        what = "trailers were" if self._is_in_trailers else "head was"
        message = f"the request's {what} not complete within {self.head_timeout_s:g} s"
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, message)

    def _refuse_late_body(self) -> None:
        message = f"the body was not complete within {self.body_timeout_s:g} s"
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, message)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._alarm.cancel()
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        body = json.dumps(error_content(message, None, status)).encode()
        head = (
            f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._bounded.is_receiving = True
        self.transport.write(head.encode() + body)
        self.transport.close()


def install(settings: Settings) -> None:
    """Let uvicorn, which vLLM configures, take this protocol."""
    BoundedProtocol.head_timeout_s = settings.head_timeout_s
    BoundedProtocol.body_timeout_s = settings.body_timeout_s
    BoundedProtocol.write_timeout_s = settings.write_timeout_s
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"
