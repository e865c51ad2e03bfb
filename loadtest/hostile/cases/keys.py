"""Who may call what: no key, wrong keys, and routes for the operator alone."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import CHAT, chat
from loadtest.hostile.expectations import answered, handled, refused, refused_or_cut
from loadtest.hostile.wire import as_json, head, request

GUARDED = (
    ("GET", "/v1/models"),
    ("GET", "/v1/models/pocket"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/chat/completions/render"),
    ("POST", "/v1/chat/completions/batch"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/completions/render"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/responses/resp_1"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", "/v1/collections"),
    ("POST", "/v1/collections"),
    ("DELETE", "/v1/collections/any"),
    ("POST", "/v1/collections/any/search"),
    ("POST", "/v1/feedback"),
    ("GET", "/metrics"),
    ("GET", "/load"),
    ("GET", "/version"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/kv_event_sources"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("POST", "/invocations"),
    ("POST", "/inference/v1/generate"),
    ("POST", "/generative_scoring"),
    ("POST", "/v1/systemone"),
    ("POST", "/v1/embeddings"),
    ("POST", "/pooling"),
    ("POST", "/score"),
    ("POST", "/rerank"),
    ("POST", "/v1/audio/transcriptions"),
)
FOR_OPERATORS = (
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
    ("POST", "/sleep"),
    ("POST", "/wake_up"),
    ("GET", "/is_sleeping"),
    ("POST", "/collective_rpc"),
    ("POST", "/start_profile"),
    ("POST", "/stop_profile"),
    ("POST", "/reset_prefix_cache"),
    ("POST", "/reset_mm_cache"),
    ("POST", "/reset_encoder_cache"),
    ("GET", "/server_info"),
    ("POST", "/scale_elastic_ep"),
    ("POST", "/is_scaling_elastic_ep"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/init_weight_transfer_engine"),
    ("POST", "/update_weights"),
    ("POST", "/abort_requests"),
)
BYPASSES = ("/invocations", "/inference/v1/generate", "/generative_scoring", "/v1/systemone")


def cases(target: Target) -> Iterator[Case]:
    if target.key is None:
        return
    body = as_json(chat(target))
    for method, path in (*GUARDED, *FOR_OPERATORS):
        sent = request(target, method, path, body if method == "POST" else b"", key=None)
        yield Case("keys", f"no key: {method} {path}", (sent,), refused(401, 404))
    for method, path in FOR_OPERATORS:
        sent = request(target, method, path, b"{}" if method == "POST" else b"")
        yield Case("keys", f"ordinary key: {method} {path}", (sent,), refused(403, 404, 405))
    for path in BYPASSES:
        sent = request(target, "POST", path, body)
        yield Case("keys", f"ordinary key: POST {path}", (sent,), refused(400, 403, 404))
    for path in ("/health", "/ready"):
        sent = request(target, "GET", path, key=None)
        yield Case("keys", f"no key: GET {path} is open", (sent,), answered)
    yield from _wrong_keys(target, target.key)


def _wrong_keys(target: Target, key: str) -> Iterator[Case]:
    wrong = {
        "another key": f"Bearer {key}x",
        "a prefix of the key": f"Bearer {key[:-1]}",
        "the key in another case": f"Bearer {key.swapcase()}",
        "an empty key": "Bearer ",
        "no scheme": key,
        "Basic": f"Basic {key}",
        "two spaces before a wrong key": "Bearer  wrong",
        "two keys, one right": f"Bearer wrong, Bearer {key}",
        "bytes beyond ASCII": "Bearer \xff\xfe\xe9",
        "an SQL injection": "Bearer ' OR '1'='1",
        "null": "Bearer null",
        "20 KB": "Bearer " + "k" * 20_000,
    }
    for name, value in wrong.items():
        sent = request(target, "GET", "/v1/models", headers={"Authorization": value})
        yield Case("keys", f"wrong key: {name}", (sent,), refused(401))
    elsewhere = {
        "query": request(target, "GET", f"/v1/models?api_key={key}&key={key}", key=None),
        "cookie": request(
            target, "GET", "/v1/models", headers={"Cookie": f"authorization={key}"}, key=None
        ),
        "forwarded": request(
            target,
            "GET",
            "/v1/models",
            headers={"X-Forwarded-For": "127.0.0.1", "X-Original-URL": "/health"},
            key=None,
        ),
        "rewritten": request(
            target, "GET", "/v1/models", headers={"X-Rewrite-URL": "/health"}, key=None
        ),
    }
    for name, sent in elsewhere.items():
        yield Case("keys", f"no key, but in or by: {name}", (sent,), refused(401))
    right = request(target, "POST", CHAT, as_json(chat(target)))
    yield Case("keys", "the right key", (right,), answered)
    lower = request(target, "GET", "/v1/models", headers={"authorization": f"bearer {key}"})
    yield Case("keys", "scheme in lower case", (lower,), handled)
    twice = head(target, "GET", "/v1/models", {"Authorization": "Bearer wrong"})
    twice = twice[:-2] + f"Authorization: Bearer {key}\r\n\r\n".encode()
    yield Case("keys", "two Authorization headers, the last right", (twice,), refused_or_cut)
    declared = request(target, "POST", CHAT, b"", headers={"Content-Length": "900000"}, key="wrong")
    yield Case("keys", "wrong key, body never sent", (declared,), refused(401))
