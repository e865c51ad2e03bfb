"""Bodies and trailers that nobody reads, and offers of what the server does not speak."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Outcome, Target
from loadtest.hostile.cases.requests import CHAT, chat
from loadtest.hostile.expectations import answered, handled, refused, refused_or_cut
from loadtest.hostile.wire import as_json, head, request

CUT_S = 8.0
"""What the server has beyond its deadline, until the case counts as hung."""
ENDLESS = {"Content-Type": "application/json", "Content-Length": str(10**12)}
CHUNKED = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
FLOOD = (b"x" * 65536,) * 64


def cases(target: Target) -> Iterator[Case]:
    for one in (_probes, _strangers, _trailers, _offers):
        yield from one(target)


def _probes(target: Target) -> Iterator[Case]:
    for path in ("/health", "/ready"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            sent = (head(target, method, path, ENDLESS, key=None, is_last=False), *FLOOD)
            yield Case("unread", f"{method} {path} with a body of 1 TB", sent, refused(405))
        sent = (head(target, "GET", path, ENDLESS, key=None, is_last=False), *FLOOD)
        yield Case("unread", f"GET {path} with a body of 1 TB", sent, answered)
        yield Case("unread", f"HEAD {path}", (head(target, "HEAD", path, key=None),), answered)
    preflight = {"Origin": "http://a", "Access-Control-Request-Method": "POST", **ENDLESS}
    asked = (head(target, "OPTIONS", CHAT, preflight, key=None, is_last=False), *FLOOD)
    yield Case("unread", "preflight with a body of 1 TB", asked, handled)


def _strangers(target: Target) -> Iterator[Case]:
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        sent = (head(target, method, CHAT, ENDLESS, key="wrong", is_last=False), *FLOOD)
        yield Case("unread", f"{method} by a stranger with a body of 1 TB", sent, refused(401))
    hidden = request(target, "GET", "/v1/models")
    stranger = head(target, "POST", CHAT, ENDLESS, key="wrong", is_last=False) + hidden
    yield Case("unread", "request within a refused body", (stranger,), _last_is_refused, 2)
    smuggled = (
        head(target, "POST", CHAT, CHUNKED, key=None)
        + b"2\r\n{}\r\n0\r\n"
        + f"Authorization: Bearer {target.key}\r\n\r\n".encode()
    )
    yield Case("unread", "key in a trailer", (smuggled,), refused(401))


def _trailers(target: Target) -> Iterator[Case]:
    start = head(target, "POST", CHAT, CHUNKED) + b"1\r\n{\r\n0\r\n"
    many = (start, *((b"X-A: " + b"a" * 65536,) * 32))
    yield Case("unread", "a trailer of 2 MB", many, refused_or_cut)
    yield Case("unread", "1,000 trailers", (start, b"X-A: a\r\n" * 1000), refused_or_cut)
    long = (head(target, "POST", CHAT, CHUNKED) + b"1;a=", *((b"a" * 65536,) * 32))
    yield Case("unread", "a chunk extension of 2 MB", long, refused_or_cut)


def _offers(target: Target) -> Iterator[Case]:
    body = as_json(chat(target))
    size = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    h2c = {"Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQ"}
    for protocol in ("h2c", "websocket", "TLS/1.2", "any"):
        sent = head(target, "POST", CHAT, {**size, **h2c, "Upgrade": protocol}) + body
        yield Case("unread", f"chat that offers {protocol}", (sent,), answered)
    socket = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Content-Type": "application/json",
        "Content-Length": "5",
    }
    opening = head(target, "GET", "/v1/realtime", socket)
    seconds = target.body_timeout_s + CUT_S
    yield Case("unread", "websocket with a body", (opening,), refused(408), deadline_s=seconds)
    impatient = head(target, "POST", CHAT, {**size, "Expect": "100-continue"}, key="wrong")
    yield Case("unread", "100-continue of a stranger", (impatient,), refused(401))
    magic = head(target, "POST", CHAT, {**size, "Expect": "magic"})
    yield Case("unread", "Expect: magic, by its head", (magic,), refused(417))


def _last_is_refused(outcome: Outcome) -> str | None:
    """One reply, and then the connection ends."""
    if len(outcome.replies) != 1 or outcome.num_cut != 1:
        return f"{len(outcome.replies)} replies, expected 1 and the end of the connection"
    return refused(401)(Outcome(outcome.replies))
