"""What a page of another site has a browser send, and names that it lets resolve to the server.

A server with keys answers them as anything else: a page has no key.
"""

from collections.abc import Iterator
from itertools import product

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import CHAT, Group, chat
from loadtest.hostile.expectations import answered, handled, handled_or_cut, refused
from loadtest.hostile.wire import as_json, request

COLLECTIONS = "/v1/collections"
ORIGINS = (
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:1",
    "http://127.0.0.1",
    "null",
    "NULL",
    "",
    "file://",
    "http://",
    "localhost",
    "http://evil.example#{host}",
    "http://evil.example/{host}",
    "http://{host}@evil.example",
    "http://{host} http://evil.example",
    "http://{host}/",
    "http://[{host}",
    "http://{host}:99999",
    "chrome-extension://abcdef",
)
HOSTS = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example#localhost",
    "localhost, evil.example",
    "localhost evil.example",
    "xlocalhost",
    "",
    "[::1]evil.example",
    "[::1",
    "2130706433",
    "localhost:port",
    "n" * 5000,
)
SIMPLE = ("text/plain", "text/plain;application/json", "application/x-www-form-urlencoded", "x")
NAME = "hostile-origins"


def cases(target: Target) -> Iterator[Case]:
    group = Group("origins", target)
    expect = refused(403) if target.key is None else handled
    made = {"name": NAME}
    for origin in ORIGINS:
        headers = {"Origin": origin.replace("{host}", f"{target.host}:{target.port}")}
        yield group.post(f"Origin: {origin[:40]}", COLLECTIONS, made, expect, headers)
        headers["Access-Control-Request-Method"] = "POST"
        asked = request(target, "OPTIONS", COLLECTIONS, headers=headers)
        expect_asked = refused(403) if target.key is None else handled_or_cut
        yield Case("origins", f"may {origin[:40]} ask", (asked,), expect_asked)
    for host in HOSTS:
        yield group.post(f"Host: {host[:40]}", COLLECTIONS, made, expect, {"Host": host})
        probe = request(target, "GET", "/health", headers={"Host": host})
        yield Case("origins", f"probe of Host: {host[:40]}", (probe,), answered)
    for kind, path in product(SIMPLE, (COLLECTIONS, f"{COLLECTIONS}/{NAME}/documents", CHAT)):
        body = as_json(chat(target) if path == CHAT else made)
        name = f"{path} as {kind}"
        yield group.post(name, path, body, refused(415), {"Content-Type": kind})
    twice = request(target, "GET", "/v1/models", headers={"Origin": "null", "origin": "null"})
    yield Case("origins", "two Origins", (twice,), refused(400))
    own = {"Origin": f"http://{target.host}:{target.port}"}
    sent = request(target, "GET", "/v1/models", headers=own)
    yield Case("origins", "its own page", (sent,), answered)
    sent = request(target, "DELETE", f"{COLLECTIONS}/{NAME}")
    yield Case("origins", "what may have been made is deleted", (sent,), handled)
