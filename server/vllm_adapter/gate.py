"""The gate, put in front of the app that vLLM builds."""

import logging
import secrets
from argparse import Namespace
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from vllm import envs
from vllm.engine.protocol import EngineClient
from vllm.v1.engine.exceptions import EngineDeadError

from server.errors import error_response
from server.gate import protocol, routes
from server.gate.gate import Gate
from server.gate.keyring import Keyring
from server.gate.origins import Origins, is_loopback
from server.gate.priority import MAX_PRIORITY
from server.gate.response_ids import ResponseIds
from server.gate.validation import explain
from server.settings import Settings
from server.vllm_adapter.engine_death import tell_of_death
from server.vllm_adapter.metering import meter
from server.wire import split_alias

API_KEYS, CACHE_SECRET = "winnow_api_keys", "winnow_cache_secret"
"""Names among vLLM's arguments, by which every API server gets the same."""
ORIGINS_GIVEN = "winnow_origins_given"
"""Likewise: whether `--allowed-origins` was given."""

logger = logging.getLogger(__name__)


def take_keys(args: Namespace, settings: Settings) -> None:
    """Take `--api-key` over from vLLM, whose own layer guards some routes only and would not know
    the keys of the file. Of every start of several API servers, done once.

    Raises:
        UnusableKeys: the file cannot be read.
    """
    given = [key for key in (args.api_key or [envs.VLLM_API_KEY]) if key]
    if Keyring(settings.keys, given).is_open:
        _warn_of_strangers(args)
    args.api_key = [""]  # no key, and none from the environment either
    setattr(args, API_KEYS, given)
    secret = settings.cache_secret.get_secret_value() if settings.cache_secret else None
    setattr(args, CACHE_SECRET, secret or secrets.token_hex(32))


def _warn_of_strangers(args: Namespace) -> None:
    if not args.uds and not is_loopback(args.host):
        logger.warning(
            "no keys are set, and the server listens on %s: whoever reaches it may use it, and see "
            "the collections of others without a key. `winnow keys` makes keys; --host 127.0.0.1 "
            "keeps it to this machine.",
            args.host or "all addresses",
        )


def put_in_front(
    app: FastAPI, settings: Settings, engine_client: EngineClient | None, args: Namespace
) -> None:
    """Make the gate the app's outermost layer, after all others and before the first request."""
    keyring = Keyring(settings.keys, getattr(args, API_KEYS, None) or ())
    names = args.served_model_name or [args.model]
    served = set(names)
    served |= {module.name for module in args.lora_modules or ()}
    app.add_exception_handler(RequestValidationError, _explain)
    app.add_exception_handler(EngineDeadError, tell_of_death)
    schema, most = app.openapi, "user" if settings.keys is None else "admin"
    app.openapi = (  # type: ignore[method-assign]  # as FastAPI would have it extended
        lambda: routes.usable(schema(), most, settings.extra_routes)
    )
    # vLLM has built the layers by now, so that no layer can be added the usual way.
    app.middleware_stack = Gate(
        app.build_middleware_stack(),
        keyring,
        settings,
        names[0],
        lambda model: split_alias(model, served),
        _origins(keyring, settings, args),
        MAX_PRIORITY if args.scheduling_policy == "priority" else 0,
    )
    protocol.install(settings)
    secret = getattr(args, CACHE_SECRET, None) or secrets.token_hex(32)
    app.state.winnow_response_ids = ResponseIds(secret)
    if engine_client is not None:
        meter(engine_client, secret)


def _origins(keyring: Keyring, settings: Settings, args: Namespace) -> Origins:
    """The check of hosts and origins for this server.

    If there are keys, which pages do not have, only what the operator asked for is checked.
    """
    allowed: list[str] = getattr(args, "allowed_origins", None) or []
    is_given = getattr(args, ORIGINS_GIVEN, bool(allowed))
    hosts: list[str] | None = None
    if keyring.is_open or settings.allowed_hosts is not None:
        own = getattr(args, "host", None)  # without a socket there is none
        hosts = [*(settings.allowed_hosts or ()), *([own] if own else ())]
    return Origins(hosts, allowed, refuses_others=keyring.is_open or is_given)


async def _explain(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, RequestValidationError)
    message, param = explain(failure.errors())
    return error_response(message, param, HTTPStatus.BAD_REQUEST)
