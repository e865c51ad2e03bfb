"""Many requests at once, clients that leave, and protocols that are switched to."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Outcome, Pause, Target
from loadtest.hostile.cases.requests import CHAT, COMPLETIONS, chat, completion
from loadtest.hostile.expectations import answered, handled, left, refused, refused_or_cut
from loadtest.hostile.wire import as_json, head, request

MANY = 50
WHILE_RUNNING = Pause(0.15)
SOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def cases(target: Target) -> Iterator[Case]:
    for is_streamed in (False, True):
        yield from _leaving(target, "streamed" if is_streamed else "whole", is_streamed)
    yield from _pipelines(target)
    for path in ("/v1/realtime", CHAT, "/health", "/v1/nope"):
        for key in (None, "wrong"):
            opening = _websocket(target, path, key)
            name = f"websocket to {path}, {'no' if key is None else key} key"
            yield Case("connections", name, (opening,), _not_opened)
    own = _websocket(target, "/v1/realtime", "")
    garbage = (own, Pause(0.05), b"\xff" * 200)
    yield Case("connections", "websocket frames of garbage", garbage, _not_opened)
    body = as_json(chat(target))
    sent = request(target, "POST", CHAT, body)
    yield Case("connections", f"{MANY} chats at once", (sent,), handled, num_connections=MANY)
    bad = request(target, "POST", CHAT, as_json(chat(target, temperature=-1)))
    yield Case("connections", f"{MANY} refusals at once", (bad,), refused(), num_connections=MANY)
    yield Case(
        "connections",
        "200 connections without a word",
        (Pause(0.1),),
        left,
        num_connections=200,
        leaves=True,
    )
    pieces = tuple(bytes([byte]) for byte in sent)
    yield Case("connections", "a chat a byte at a time, fast", pieces, answered)


def _leaving(target: Target, kind: str, is_streamed: bool) -> Iterator[Case]:
    long = {"max_tokens": 1000, "ignore_eos": True, "stream": is_streamed}
    vote = {"strategy": "majority_vote", "num_samples": 16, "stop": "none"}
    bodies = {
        "a chat": as_json(chat(target, **long)),
        "a vote of 16": as_json(
            chat(target, temperature=None, decoding=vote, max_tokens=1000, stream=is_streamed)
        ),
        "a chat of 8": as_json(chat(target, **{**long, "temperature": 1, "n": 8})),
    }
    for name, body in bodies.items():
        sent = request(target, "POST", CHAT, body)
        yield Case(
            "connections",
            f"{MANY} leave {name}, {kind}",
            (sent, WHILE_RUNNING),
            left,
            num_connections=MANY if name == "a chat" else 10,
            leaves=True,
        )
    prompts = as_json(completion(target, prompt=["a"] * 20, **long))
    sent = request(target, "POST", COMPLETIONS, prompts)
    yield Case(
        "connections",
        f"10 leave 20 prompts, {kind}",
        (sent, WHILE_RUNNING),
        left,
        num_connections=10,
        leaves=True,
    )
    for name, size in {"its head": 40, "its body": len(sent) - 30}.items():
        yield Case(
            "connections",
            f"{MANY} leave within {name}, {kind}",
            (sent[:size], Pause(0.02)),
            left,
            num_connections=MANY,
            leaves=True,
        )


def _pipelines(target: Target) -> Iterator[Case]:
    body = as_json(chat(target, max_tokens=1))
    chats = request(target, "POST", CHAT, body, is_last=False) * MANY
    yield Case("connections", f"{MANY} chats in a row", (chats,), answered, num_replies=MANY)
    models = request(target, "GET", "/v1/models", is_last=False) * MANY
    yield Case("connections", f"{MANY} lists in a row", (models,), answered, num_replies=MANY)
    broken = request(target, "POST", CHAT, b"{", is_last=False) * MANY
    yield Case("connections", f"{MANY} broken in a row", (broken,), refused(), num_replies=MANY)
    then_garbage = request(target, "GET", "/health", is_last=False) + b"\0garbage\r\n\r\n"
    yield Case("connections", "garbage after a request", (then_garbage,), _then_refused, 2)
    yield Case(
        "connections",
        f"{MANY} leave {MANY} in a row",
        (chats, WHILE_RUNNING),
        left,
        num_connections=10,
        leaves=True,
    )


def _then_refused(outcome: Outcome) -> str | None:
    return refused_or_cut(Outcome(outcome.replies[1:], outcome.num_cut))


def _websocket(target: Target, path: str, key: str | None) -> bytes:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": SOCKET_KEY,
    }
    return head(target, "GET", path, headers, key=key)


def _not_opened(outcome: Outcome) -> str | None:
    if any(reply.status == 101 for reply in outcome.replies):
        return "the websocket was opened"
    # To /health the upgrade may be ignored.
    return next((f"status {one.status}" for one in outcome.replies if one.status >= 500), None)
