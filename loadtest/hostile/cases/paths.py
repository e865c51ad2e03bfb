"""Paths that try to reach a route by another name, or nothing at all."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Outcome, Target
from loadtest.hostile.cases.requests import CHAT, chat
from loadtest.hostile.expectations import handled, handled_or_cut, refused, refused_or_cut
from loadtest.hostile.wire import as_json, request

BEHIND_THE_KEY = (
    "//v1/models",
    "/./v1/models",
    "/v1/../v1/models",
    "/health/../v1/models",
    "/health/..;/v1/models",
    "/v1/%2e%2e/v1/models",
    "/%76%31/models",
    "/v1%2fmodels",
    "/v1%5cmodels",
    "\\v1\\models",
    "/v1/models/",
    "/v1/models;x=/health",
    "/v1/models#/health",
    "/V1/MODELS",
    "/v1/models%00",
    "/v1/models%20",
    "/v1/models%0d%0aX-Evil:%201",
    "/health%2f..%2fv1%2fmodels",
    "/health//v1/models",
    "/ready/../metrics",
    "/metrics/",
    "//metrics",
    "/Metrics",
)
NOWHERE = (
    "/v1/nope",
    "/v1/",
    "/v1",
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/static/../../server/settings.py",
    "/.env",
    "/.git/config",
    "/favicon.ico",
    "/v1/chat/completions/../../../etc/passwd",
    "/%ff%fe",
    "/" + "a/" * 500,
    "/%25%32%65",
    "/v1/chat/completions.json",
)
ODD_QUERIES = {
    "2,000 parameters": "&".join(f"a{i}={i}" for i in range(2000)),
    "4 KB": "q=" + "a" * 4000,
    "broken escapes": "q=%zz%&=%=&&&;;",
    "brackets": "a[b][c]=1&a[]=2",
    "NUL and line breaks": "q=%00%0d%0aX-Evil:%201",
    "invalid UTF-8": "q=%ff%fe%80",
}


def cases(target: Target) -> Iterator[Case]:
    for path in BEHIND_THE_KEY:
        sent = request(target, "GET", path, key=None)
        if target.key is not None:
            yield Case("paths", f"no key: GET {path}", (sent,), _kept_out)
    for path in NOWHERE:
        sent = request(target, "GET", path)
        yield Case("paths", f"GET {path[:40]}", (sent,), refused(400, 404))
    body = as_json(chat(target))
    for path in ("/v1/chat/completions/", "//v1/chat/completions", "/v1/Chat/Completions"):
        yield Case("paths", f"POST {path}", (request(target, "POST", path, body),), handled)
    for name, query in ODD_QUERIES.items():
        sent = request(target, "GET", f"/v1/models?{query}")
        yield Case("paths", f"query: {name}", (sent,), handled)
        sent = request(target, "POST", f"{CHAT}?{query}", body)
        yield Case("paths", f"query of a chat: {name}", (sent,), handled)
    host = f"{target.host}:{target.port}"
    for absolute in (
        f"http://{host}/v1/models",
        "http://evil.example/v1/models",
        "evil.example:80",
    ):
        sent = request(target, "GET", absolute, key=None)
        # RFC 9112 has servers take the absolute form: as the path, which has its key.
        yield Case("paths", f"absolute form: {absolute}", (sent,), refused_or_cut)
    for name, value in {"two ports": "a:1:2", "path": "a/b", "empty": "", "quote": 'a"b'}.items():
        sent = request(target, "GET", "/v1/models", headers={"Host": value})
        yield Case("paths", f"Host header: {name}", (sent,), handled_or_cut)
    sent = request(target, "GET", "*")
    yield Case("paths", "asterisk form", (sent,), refused_or_cut)
    sent = request(target, "GET", "/🦆".encode().decode("latin-1"))
    yield Case("paths", "beyond ASCII, unescaped", (sent,), refused_or_cut)
    sent = request(target, "GET", "")
    yield Case("paths", "no path", (sent,), refused_or_cut)


def _kept_out(outcome: Outcome) -> str | None:
    """A redirect tells nothing: where it leads, the key is asked for."""
    if outcome.replies and outcome.replies[0].status in (307, 308):
        return None
    return refused_or_cut(outcome)
