"""Which web pages may use the server, by the headers that a browser sets and a page cannot.

`Origin` is the page's own. Where it is another than the request's, the page is of another site: it
could send what needs no leave (`text/plain`, forms) and have the server do it, though it could not
read the reply. `Host` is the name by which the page's browser found the server. A name that belongs
to an attacker, who lets it resolve to this machine (DNS rebinding), would make the attacker's page
one of the server's own; an address in figures belongs to nobody else.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Message, Send

from server.errors import shown
from server.gate.headers import Head
from server.gate.refusals import Refused

ANY = "*"
ASKS = b"access-control-request-method"
"""A browser asks on behalf of a page, before it sends what needs leave."""
LOOPBACK = ("localhost", "*.localhost")
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HOST = re.compile(r"(?P<name>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")


class Origins:
    """`allowed_hosts` is None where every name is served; names of this machine and addresses in
    figures are allowed beside it. `allowed_origins` are those of `--allowed-origins`; the pages of
    others are refused, or may only not ask for leave and not read."""

    def __init__(
        self,
        allowed_hosts: Sequence[str] | None,
        allowed_origins: Sequence[str] = (),
        *,
        refuses_others: bool = True,
    ) -> None:
        self._hosts = None if allowed_hosts is None else tuple(map(_plain, allowed_hosts))
        self._origins = frozenset(allowed_origins)
        self._refuses_others = refuses_others

    def check(self, head: Head) -> None:
        """Check the Host and the Origin of a request.

        Raises:
            Refused: the request is for another host, or from a page of another site.
        """
        host = head.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and not self._serves(host):
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"Host must be localhost, an IP address or a name of WINNOW_ALLOWED_HOSTS, got "
                f'{shown(host)}; the operator may allow it: WINNOW_ALLOWED_HOSTS=["NAME"]',
                "host",
            )
        origin = self._foreign(head)
        if origin is None or self._allows(origin):
            return
        if self._refuses_others or ASKS in head:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"web pages of another origin may not use this server, got Origin {shown(origin)}; "
                "the operator may allow it: --allowed-origins '[\"ORIGIN\"]'",
                "origin",
            )

    def readable(self, send: Send, head: Head) -> Send:
        """`send` for refusals of the gate, which the layer that lets pages read comes behind."""
        origin = self._foreign(head)
        if origin is None or not self._allows(origin):
            return send
        said = ANY if ANY in self._origins else origin
        extra = [(b"access-control-allow-origin", said.encode("latin-1")), (b"vary", b"Origin")]

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return send_readable

    def _serves(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = _plain(found["name"])
        return _is_address(name) or any(
            _matches(name, pattern) for pattern in (*LOOPBACK, *(self._hosts or ()))
        )

    def _foreign(self, head: Head) -> str | None:
        """The origin of a page of another site; None where no page of one asks."""
        given = head.get(b"origin")
        if given is None:
            return None
        origin = given.decode("latin-1")
        return None if _is_same(origin, head.get(b"host", b"").decode("latin-1")) else origin

    def _allows(self, origin: str) -> bool:
        return ANY in self._origins or origin in self._origins


def is_loopback(host: str | None) -> bool:
    """Whether a server that listens there is reached from its own machine alone."""
    name = _plain(host or "")
    if _is_address(name):
        return ip_address(name.strip("[]")).is_loopback
    return any(_matches(name, pattern) for pattern in LOOPBACK)


def _is_same(origin: str, host: str) -> bool:
    """Whether they are one site. The scheme is not compared: a proxy may have ended TLS."""
    try:
        page = urlsplit(origin)
        page_port = page.port or DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    asked = _HOST.fullmatch(host)
    if asked is None or page_port is None or page.scheme not in DEFAULT_PORTS:
        return False
    if f"{page.scheme}://{page.netloc}" != origin or not _HOST.fullmatch(page.netloc):
        return False  # no origin as a browser writes one
    name = page.netloc.removesuffix(f":{page.port}")
    port = int(asked["port"] or DEFAULT_PORTS[page.scheme])
    return (_plain(name), page_port) == (_plain(asked["name"]), port)


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _matches(name: str, pattern: str) -> bool:
    if pattern == ANY:
        return True
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and name != pattern[1:]
    return name == pattern


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
