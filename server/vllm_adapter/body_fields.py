"""Fields that are looked at in the body itself, before vLLM makes a request of it."""

from typing import Any

from fastapi import Request

from server.errors import InvalidRequest, shown

REQUIRED: dict[str, tuple[str, tuple[type, ...], str]] = {
    "/v1/chat/completions": ("messages", (list,), "a list of messages"),
    "/v1/chat/completions/batch": ("messages", (list,), "a list of lists of messages"),
    "/v1/messages": ("messages", (list,), "a list of messages"),
    "/v1/responses": ("input", (str, list), "a text or a list of items"),
}
"""By route: the field that it cannot do without, and what may stand in it. vLLM's own checks trip
over other values."""
TRANSFERS = {
    "kv_transfer_params": "kv_transfer_config",
    "ec_transfer_params": "ec_transfer_config",
}
"""Fields with the part of vLLM's configuration that they are for."""


async def check_body_fields(raw_request: Request) -> None:
    """A dependency of the routes.

    Raises:
        InvalidRequest: a field has a value that vLLM would fail at, or that it must not be given.
    """
    try:
        body = await raw_request.json()
    except (ValueError, RecursionError):
        return  # the route itself says what is wrong with it
    if not isinstance(body, dict):
        return
    path = raw_request.url.path.removeprefix(raw_request.scope.get("root_path", ""))
    if path in REQUIRED:
        _check_required(body, *REQUIRED[path])
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise InvalidRequest("tools", f"tools must be a list, got {shown(tools)}")
    _check_transfers(body, raw_request.app.state.vllm_config)


def _check_required(body: dict[str, Any], name: str, kinds: tuple[type, ...], what: str) -> None:
    if name in body and not isinstance(body[name], kinds):
        raise InvalidRequest(name, f"{name} must be {what}, got {shown(body[name])}")


def _check_transfers(body: dict[str, Any], config: Any) -> None:  # vLLM's configuration
    """Refuse transfer fields in `vllm_xargs`, and anywhere on a server without their connector.

    vLLM ignores the fields without a connector; with one they name hosts to fetch from.
    """
    xargs = body.get("vllm_xargs")
    for name, flag in TRANSFERS.items():
        if isinstance(xargs, dict) and name in xargs:
            raise InvalidRequest(
                f"vllm_xargs.{name}",
                f"vllm_xargs must not hold {name}, which would pass by the checks of the field "
                f"{name}; leave it out, got {shown(xargs[name])}",
            )
        if body.get(name) is not None and getattr(config, flag, None) is None:
            option = f"--{flag.replace('_', '-')}"
            raise InvalidRequest(name, f"{name} needs a server with {option}; leave it out")
