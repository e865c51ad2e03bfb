"""Methods that a route does not have."""

from collections.abc import Iterator
from itertools import product

from loadtest.hostile.case import Case, Outcome, Target
from loadtest.hostile.cases.requests import CHAT, chat
from loadtest.hostile.expectations import handled, refused, refused_or_cut, unsafe
from loadtest.hostile.wire import as_json, request

POST_ONLY = (
    CHAT,
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/feedback",
    "/tokenize",
    "/detokenize",
    "/v1/collections/any/search",
)
GET_ONLY = ("/v1/models", "/health", "/metrics")
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
ODD = ("CONNECT", "PROPFIND", "chat", "post", "G" * 3000, "BREW")


def cases(target: Target) -> Iterator[Case]:
    body = as_json(chat(target))
    for path, method in product(POST_ONLY, ("GET", "PUT", "PATCH", "DELETE", "TRACE")):
        sent = request(target, method, path, body if method in ("PUT", "PATCH") else b"")
        yield Case("methods", f"{method} {path}", (sent,), refused(404, 405))
    for path, method in product(GET_ONLY, ("POST", "PUT", "PATCH", "DELETE", "TRACE")):
        sent = request(target, method, path, b"{}" if method != "TRACE" else b"")
        yield Case("methods", f"{method} {path}", (sent,), refused(404, 405))
    for path, method in product((CHAT, "/v1/models", "/health"), ("HEAD", "OPTIONS")):
        yield Case("methods", f"{method} {path}", (request(target, method, path),), _no_failure)
    for name in OVERRIDES:
        sent = request(target, "GET", CHAT, headers={name: "POST"})
        yield Case("methods", f"{name}: POST on a GET", (sent,), refused(404, 405))
        sent = request(target, "POST", "/v1/models", b"{}", headers={name: "DELETE"})
        yield Case("methods", f"{name}: DELETE on a POST", (sent,), refused(404, 405))
    form = request(
        target,
        "POST",
        "/v1/collections/any?_method=DELETE",
        b"_method=DELETE",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    yield Case("methods", "_method=DELETE in a form", (form,), refused(404, 405, 415))
    for method in ODD:
        sent = request(target, method, "/v1/models")
        yield Case("methods", f"method {method[:12]}", (sent,), refused_or_cut)
    yield Case("methods", "GET with a body", (request(target, "GET", "/v1/models", body),), handled)


def _no_failure(outcome: Outcome) -> str | None:
    """The reply to a HEAD has no body that could have a shape."""
    if not outcome.replies:
        return "no reply"
    return next((said for reply in outcome.replies if (said := unsafe(reply))), None)
