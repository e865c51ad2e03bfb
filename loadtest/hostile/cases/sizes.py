"""More of everything than a request may have, and what just about fits."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    Group,
    anthropic,
    chat,
    completion,
    response,
)
from loadtest.hostile.expectations import answered, handled, handled_or_cut, refused, refused_or_cut
from loadtest.hostile.wire import as_json, head, request

MEGABYTE = 10**6
OVER = 2 * MEGABYTE
MAX_HEADERS = 100
OPENERS = {"arrays": (b"[", b"]"), "objects": (b'{"a":', b"}")}


def cases(target: Target) -> Iterator[Case]:
    group = Group("sizes", target)
    yield from _bodies(group, target)
    yield from _heads(target)
    yield from _depths(group, target)


def _bodies(group: Group, target: Target) -> Iterator[Case]:
    padding = b" " * OVER
    bodies = {
        CHAT: chat(target),
        COMPLETIONS: completion(target),
        RESPONSES: response(target),
        MESSAGES: anthropic(target),
        "/tokenize": completion(target),
        "/v1/feedback": {"id": "a", "correct": True},
        "/v1/collections": {"name": "hostile-suite"},
        "/v1/models": {},
        "/v1/nope": {},
    }
    for path, body in bodies.items():
        expect = refused(413) if path not in ("/v1/models", "/v1/nope") else refused(404, 405, 413)
        yield group.post(f"2 MB to {path}", path, as_json(body) + padding, expect)
    size = {"Content-Type": "application/json", "Content-Length": str(OVER)}
    start = head(target, "POST", CHAT, size)
    yield Case("sizes", "2 MB declared, nothing sent", (start,), refused(413))
    size["Content-Length"] = str(10**15)
    start = head(target, "POST", CHAT, size)
    yield Case("sizes", "10^15 bytes declared", (start,), refused(413))
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    start = head(target, "POST", CHAT, chunked)
    yield Case("sizes", "6 MB in chunks", (start, *[chunk] * 100), refused(413))
    open_start = head(target, "POST", CHAT, chunked, key=None)
    yield Case("sizes", "6 MB in chunks, no key", (open_start, *[chunk] * 100), refused(401, 413))
    content = "a" * 900_000
    message = [{"role": "user", "content": content}]
    yield group.chat("900 KB of one letter", handled, messages=message)
    yield group.chat("900 KB in model", refused(400, 404), model=content)
    yield group.chat("900 KB in an unknown field", handled, unknown=content)
    yield group.chat("900 KB in user", handled, user=content)
    yield group.chat("a field's name of 900 KB", handled, **{content: 1})
    yield group.chat("50,000 unknown fields", handled, **{f"a{i}": i for i in range(50_000)})
    padded = as_json(chat(target)) + b" " * (MEGABYTE - 1000)
    yield group.post("just below 1 MB of blanks", CHAT, padded, answered)


def _heads(target: Target) -> Iterator[Case]:
    def get(headers: dict[str, str], path: str = "/v1/models") -> tuple[bytes]:
        return (request(target, "GET", path, headers=headers),)

    many = {f"X-{i}": "a" for i in range(MAX_HEADERS + 50)}
    yield Case("sizes", "150 headers", get(many), refused(431))
    yield Case("sizes", "5,000 headers", get({f"X-{i}": "a" for i in range(5000)}), refused_or_cut)
    yield Case("sizes", "50 headers", get({f"X-{i}": "a" for i in range(50)}), answered)
    yield Case("sizes", "40 KB in a header", get({"X-A": "a" * 40_000}), refused(431))
    yield Case("sizes", "4 MB in a header", get({"X-A": "a" * 4_000_000}), refused_or_cut)
    some = {f"X-{i}": "a" * 500 for i in range(90)}
    yield Case("sizes", "45 KB in 90 headers", get(some), refused(431))
    yield Case("sizes", "8 KB in a header", get({"X-A": "a" * 8000}), handled)
    yield Case("sizes", "a header's name of 40 KB", get({"X" * 40_000: "a"}), refused_or_cut)
    cookies = {"Cookie": "; ".join(f"c{i}={i}" for i in range(2000))}
    yield Case("sizes", "2,000 cookies", get(cookies), handled_or_cut)
    for size in (70_000, 2_000_000):
        path = "/v1/models?q=" + "a" * size
        yield Case("sizes", f"a query of {size:,} bytes", get({}, path), refused_or_cut)
        path = "/" + "a" * size
        yield Case("sizes", f"a path of {size:,} bytes", get({}, path), refused_or_cut)
    flood = (b"GET /health HTTP/1.1\r\n", *[b"X-A: " + b"a" * 65_000 + b"\r\n"] * 500)
    yield Case("sizes", "32 MB of headers without an end", flood, refused_or_cut)
    endless = (b"GET /", *[b"a" * 65_000] * 500)
    yield Case("sizes", "a request line of 32 MB without an end", endless, refused_or_cut)


def _depths(group: Group, target: Target) -> Iterator[Case]:
    """JSON nested `depth` levels below the body's own object."""
    for kind, (opener, closer) in OPENERS.items():
        for depth in (200, 5000, 100_000):
            nested = opener * depth + (b"1" if kind == "objects" else b"") + closer * depth
            body = as_json(chat(target))[:-1] + b', "metadata": ' + nested + b"}"
            yield group.post(f"{depth:,} {kind} deep", CHAT, body, refused())
            if depth != 200:
                unclosed = b'{"messages": ' + opener * depth
                yield group.post(f"{depth:,} {kind} unclosed", CHAT, unclosed, refused())
    nested = b"[" * 100_000 + b"]" * 100_000
    for path in (COMPLETIONS, RESPONSES, MESSAGES, "/tokenize", "/v1/feedback", "/v1/collections"):
        yield group.post(f"100,000 arrays deep to {path}", path, nested, refused())
    brackets = "[" * 100_000
    yield group.chat(
        "100,000 brackets inside a text", handled, messages=[{"role": "user", "content": brackets}]
    )
