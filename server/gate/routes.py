"""Which routes there are for whom. What is not listed is not there, so that a route that comes with
the next release of vLLM is closed until somebody has looked at it."""

from collections.abc import Collection
from typing import Any

OPEN = frozenset({"/health", "/ready"})
"""For probes, which have no key. They tell nothing but whether the server lives and takes
requests."""

MONITOR = frozenset({"/metrics", "/version", "/load", "/ping"})

USER = frozenset(
    {
        "/v1/models",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/feedback",
        "/v1/collections",
        "/tokenize",
        "/detokenize",
        "/v1/embeddings",
        "/v2/embed",
        "/pooling",
        "/classify",
        "/score",
        "/v1/score",
        "/rerank",
        "/v1/rerank",
        "/v2/rerank",
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
        "/v1/realtime",
        "/openapi.json",
        "/docs",
        "/docs/oauth2-redirect",
        "/redoc",
    }
)
USER_PREFIXES = ("/v1/models/", "/v1/responses/", "/v1/collections/", "/static/")

WITHOUT_MODEL = frozenset({"/v1/feedback", "/v1/collections"})
WITHOUT_MODEL_PREFIXES = ("/v1/collections/", "/v1/responses/")
"""Where bodies name no model. A route that is added by the operator is taken to have one."""

ADMIN = frozenset(
    {
        "/v1/load_lora_adapter",
        "/v1/unload_lora_adapter",
        "/sleep",
        "/wake_up",
        "/is_sleeping",
        "/pause",
        "/resume",
        "/is_paused",
        "/reset_prefix_cache",
        "/reset_mm_cache",
        "/reset_encoder_cache",
        "/collective_rpc",
        "/server_info",
        "/start_profile",
        "/stop_profile",
        "/scale_elastic_ep",
        "/is_scaling_elastic_ep",
    }
)


def is_open(path: str) -> bool:
    return path in OPEN


def is_known(path: str, extra: Collection[str] = ()) -> bool:
    """Whether anybody may use the route. `extra` are those that the operator adds, for users."""
    return path in OPEN | MONITOR | ADMIN or _is_for_users(path, extra)


def without_slash(path: str, extra: Collection[str] = ()) -> str:
    """A route's path that was written with slashes at its end; any other path as it is.

    The id of a model is not shortened: it may be a folder, which ends as its operator wrote it.
    """
    bare = path.rstrip("/")
    return bare if is_known(bare, extra) and not bare.startswith("/v1/models/") else path


def takes(path: str, method: str) -> bool:
    """Whether the route takes the method, for a route that would answer any of them.

    The other routes refuse methods themselves.
    """
    return path != "/metrics" or method in ("GET", "HEAD", "OPTIONS")


def names_model(path: str) -> bool:
    """Whether the bodies sent there name a model, or mean the server's own by naming none."""
    if path in ADMIN or path in WITHOUT_MODEL:
        return False
    return not path.startswith(WITHOUT_MODEL_PREFIXES)


def may_use(role: str, path: str, extra: Collection[str] = ()) -> bool:
    """`role` is a key's; whoever may use the rest may look at the metrics, too."""
    if path in OPEN | MONITOR or role == "admin":
        return True
    return role == "user" and _is_for_users(path, extra)


def usable(schema: dict[str, Any], role: str, extra: Collection[str]) -> dict[str, Any]:  # JSON
    """An OpenAPI schema with the routes alone that this role may use."""
    paths = {path: said for path, said in schema["paths"].items() if may_use(role, path, extra)}
    return {**schema, "paths": paths}


def _is_for_users(path: str, extra: Collection[str]) -> bool:
    return path in USER or path in extra or path.startswith(USER_PREFIXES)
