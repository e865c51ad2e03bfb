"""Bytes that are no HTTP, or HTTP that two readers may read in two ways."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Pause, Target
from loadtest.hostile.cases.requests import CHAT, chat
from loadtest.hostile.expectations import handled_or_cut, refused, refused_or_cut
from loadtest.hostile.wire import as_json, head

SLOW_CUT_S = 8.0
"""What the server has beyond its deadline, until the case counts as hung."""


def cases(target: Target) -> Iterator[Case]:
    for name, sent in _broken(target).items():
        yield Case("protocol", name, (sent,), refused_or_cut)
    for name, sent in _odd(target).items():
        yield Case("protocol", name, (sent,), handled_or_cut)
    yield from _slow(target)


def _broken(target: Target) -> dict[str, bytes]:
    body = as_json(chat(target))
    key = f"Authorization: Bearer {target.key}\r\n"
    usual = f"Host: localhost\r\n{key}Content-Type: application/json\r\n"

    def post(headers: str, content: bytes = body) -> bytes:
        return f"POST {CHAT} HTTP/1.1\r\n{usual}{headers}\r\n".encode() + content

    chunked = "Transfer-Encoding: chunked\r\n"
    return {
        "garbage": b"\x00\x01\x02\xff\xfe garbage\r\n\r\n",
        "TLS hello": bytes.fromhex("16030100c8010000c403035d") + b"\x00" * 200 + b"\r\n\r\n",
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/0.9": b"GET /v1/models\r\n\r\n",
        "HTTP/9.9": b"GET /v1/models HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1.1": b"GET /v1/models HTTP/1.1.1\r\nHost: localhost\r\n\r\n",
        "version of letters": b"GET /v1/models HTTP/x.y\r\nHost: localhost\r\n\r\n",
        "no method": b" /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "spaces in the path": b"GET /v1/models and more HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "NUL in the request line": b"GET /v1/mod\x00els HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "no colon in a header": b"GET /v1/models HTTP/1.1\r\nHost x\r\n\r\n",
        "space before the colon": post(f"Content-Length : {len(body)}\r\n"),
        "NUL in a header": post("X-A: a\0b\r\n", b""),
        "control characters in a header's name": post("X-\x01A: b\r\n", b""),
        "folded header": post("X-A: b\r\n c\r\nContent-Length: x\r\n", b""),
        "two content-lengths that differ": post(
            f"Content-Length: {len(body)}\r\nContent-Length: 5\r\n"
        ),
        "content-length and transfer-encoding": post(
            f"Content-Length: {len(body)}\r\n{chunked}", b"0\r\n\r\n"
        ),
        "list of content-lengths": post(f"Content-Length: {len(body)}, 5\r\n"),
        "negative content-length": post("Content-Length: -1\r\n"),
        "content-length +5": post("Content-Length: +5\r\n"),
        "content-length 0x10": post("Content-Length: 0x10\r\n"),
        "content-length of letters": post("Content-Length: ten\r\n"),
        "content-length of 2^80": post(f"Content-Length: {2**80}\r\n"),
        "transfer-encoding unknown": post("Transfer-Encoding: xchunked\r\n"),
        "transfer-encoding gzip, chunked": post("Transfer-Encoding: gzip, chunked\r\n"),
        "transfer-encoding chunked twice": post(chunked * 2, b"zz\r\n\r\n"),
        "chunk size of letters": post(chunked, b"zz\r\nabc\r\n0\r\n\r\n"),
        "chunk size negative": post(chunked, b"-5\r\nabc\r\n0\r\n\r\n"),
        "chunk size of 2^70": post(chunked, b"4" + b"0" * 18 + b"\r\nabc\r\n0\r\n\r\n"),
        "chunk longer than its size": post(chunked, b"2\r\nabcdef\r\n0\r\n\r\n"),
        "bare CR as line ends": b"GET /v1/models HTTP/1.1\rHost: localhost\r\r\n\r\n",
        "nothing but line breaks": b"\r\n" * 200 + b"x\r\n\r\n",
        "second Host": b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "no Host": b"GET /v1/models HTTP/1.1\r\n\r\n",
        "smuggled request without a key": post(
            f"Content-Length: 4\r\n{chunked}",
            b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
    }


def _odd(target: Target) -> dict[str, bytes]:
    body = as_json(chat(target))
    size = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    one_a_chunk = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    extension = b"%x;%s\r\n" % (len(body), b"a=" + b"b" * 4000) + body + b"\r\n0\r\n\r\n"
    trailers = b"%x\r\n" % len(body) + body + b"\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    key = f"Authorization: Bearer {target.key}\r\n"
    close = "Connection: close\r\n\r\n"
    return {
        "the same content-length twice": (
            head(target, "POST", CHAT, size)[:-2] + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        + body,
        "a chunk for every byte": head(target, "POST", CHAT, chunked) + one_a_chunk,
        "chunk extension of 4 KB": head(target, "POST", CHAT, chunked) + extension,
        "trailers": head(target, "POST", CHAT, chunked) + trailers,
        "Expect: 100-continue": head(target, "POST", CHAT, {**size, "Expect": "100-continue"})
        + body,
        "Expect: the impossible": head(target, "POST", CHAT, {**size, "Expect": "magic"}) + body,
        "HTTP/1.0": f"GET /v1/models HTTP/1.0\r\n{key}{close}".encode(),
        "bare LF as line ends": b"GET /health HTTP/1.1\nHost: x\nConnection: close\n\n",
        "line breaks first": b"\r\n\r\n" + head(target, "GET", "/health"),
        "compressed body that is not": head(
            target, "POST", CHAT, {**size, "Content-Encoding": "gzip"}
        )
        + body,
        "upgrade to h2c": head(
            target,
            "GET",
            "/health",
            {"Connection": "close, Upgrade", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQ"},
        ),
        "connection: every header": head(
            target, "GET", "/health", {"Connection": "close, Authorization, Host"}
        ),
    }


def _slow(target: Target) -> Iterator[Case]:
    seconds = target.body_timeout_s + SLOW_CUT_S
    drip = tuple(part for _ in range(int(2 * seconds)) for part in (b" ", Pause(0.5)))
    slowly = tuple(part for _ in range(int(2 * seconds)) for part in (b"a", Pause(0.5)))
    size = {"Content-Type": "application/json", "Content-Length": "1000"}
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    a_chunk = tuple(part for _ in range(int(2 * seconds)) for part in (b"1\r\n \r\n", Pause(0.5)))
    start = head(target, "POST", CHAT, size)
    yield Case(
        "protocol", "body a byte at a time", (start, *drip), refused(408), deadline_s=seconds
    )
    yield Case(
        "protocol",
        "chunk after chunk, slowly",
        (head(target, "POST", CHAT, chunked), *a_chunk),
        refused(408),
        deadline_s=seconds,
    )
    yield Case("protocol", "body that never comes", (start,), refused(408), deadline_s=seconds)
    yield Case(
        "protocol",
        "50 bodies that never come",
        (start,),
        refused(408),
        num_connections=50,
        deadline_s=seconds,
    )
    yield Case(
        "protocol",
        "headers a byte at a time",
        (b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: ", *slowly),
        refused_or_cut,
        deadline_s=seconds,
    )
    yield Case(
        "protocol",
        "100 connections with half a head",
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost:",),
        refused_or_cut,
        num_connections=100,
        deadline_s=seconds,
    )
    yield Case(
        "protocol",
        "collection's document a byte at a time",
        (head(target, "POST", "/v1/collections/any/documents", size), *drip),
        refused(408),
        deadline_s=seconds,
    )
    yield Case(
        "protocol",
        "trailers a byte at a time",
        (head(target, "POST", CHAT, chunked), b"1\r\n{\r\n0\r\nX-A: ", *slowly),
        refused(408),
        deadline_s=seconds,
    )
