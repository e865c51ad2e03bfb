"""A connection's transport that closes in bounded time, and the flow of what is read from it."""

import asyncio
import socket
import sys
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

LINGER_S = 2.0
"""How long a client that is still sending may read why it is refused."""

MAX_UNSENT_BYTES = 131_072
"""What the system holds of replies for a client that does not read; by itself it takes 4 MB, and
the server sees nothing of a client that is that slow."""
TCP_NOTSENT_LOWAT = 25  # not in Python's `socket` yet


class Alarm:
    """One timer, which is set again or cancelled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: TimerHandle | None = None

    def set(self, seconds: float, ring: Callable[[], None]) -> None:
        self.cancel()
        self._handle = self._loop.call_later(seconds, ring)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class ClosingTransport:
    """A transport whose `close` ends for certain.

    A plain `close` waits until the client has taken all that is unsent, for ever if it takes
    nothing. And it resets the connection if the client is still sending, which can destroy the
    reply that says why.
    """

    def __init__(
        self, transport: Transport, loop: asyncio.AbstractEventLoop, write_timeout_s: float
    ) -> None:
        self._transport = transport
        self._write_timeout_s = write_timeout_s
        self._alarm = Alarm(loop)
        _have_system_watch(transport, write_timeout_s)
        self._is_lingering = False
        self.is_receiving = False
        """Whether the client is in the middle of a request."""

    def __getattr__(self, name: str) -> Any:  # whatever a transport has
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._is_lingering or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        if not self._is_lingering:
            self._transport.write(data)

    def close(self) -> None:
        if self.is_closing():
            return
        if self.is_receiving and self._transport.can_write_eof():
            self._is_lingering = True
            self._transport.resume_reading()
            self._transport.write_eof()
            self._alarm.set(LINGER_S, self._close)
        else:
            self._close()

    def lost(self) -> None:
        """Tell that the connection has ended."""
        self._alarm.cancel()

    def _close(self) -> None:
        self._transport.close()
        self._alarm.set(self._write_timeout_s, self._transport.abort)


def _have_system_watch(transport: Transport, write_timeout_s: float) -> None:
    """Let the system end the connection too: it alone sees what it holds unsent."""
    opened = transport.get_extra_info("socket")
    if sys.platform != "linux" or opened is None or opened.family == socket.AF_UNIX:
        return
    milliseconds = max(1, round(write_timeout_s * 1000))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    opened.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)


class Flow(FlowControl):
    """uvicorn's flow control without its reading side, which the protocol decides by itself:
    `on_wanted` is called when the app wants more of the body."""

    def __init__(self, transport: ClosingTransport, on_wanted: Callable[[], None]) -> None:
        super().__init__(transport)  # type: ignore[arg-type]  # has all that is used of one
        self._on_wanted = on_wanted

    def pause_reading(self) -> None:
        """Do nothing: parsing stops, and with it reading."""

    def resume_reading(self) -> None:
        self._on_wanted()

    def read(self, is_wanted: bool) -> None:
        """Let the transport read on, or not."""
        if is_wanted:
            super().resume_reading()
        else:
            super().pause_reading()
