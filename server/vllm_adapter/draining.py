"""Leaving on SIGTERM: what runs is finished, what comes is refused, nothing waits for ever.

vLLM's launcher answers SIGTERM by shutting the engine down, which with `--shutdown-timeout` lets
running requests finish. Meanwhile it takes new ones, which fail with a 500. A request that
outlives the timeout waits for an engine that is gone, and the server waits for the request.
"""

import asyncio
from http import HTTPStatus

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send
from vllm.engine.protocol import EngineClient

from server.errors import error_response

CLOSE_WITHIN_S = 2
STILL_SERVED = ("/metrics", "/health")


def drain_on_shutdown(
    engine_client: EngineClient, state: State, canaries: asyncio.Task[None] | None
) -> None:
    """Tell `RefuseWhileDraining` when the engine begins to shut down, and end the canaries."""
    loop = asyncio.get_running_loop()
    shut_down = engine_client.shutdown

    def shutdown(timeout: float | None = None) -> None:
        state.winnow_is_draining = True
        if canaries is not None:
            loop.call_soon_threadsafe(canaries.cancel)
        if hasattr(state, "server"):  # uvicorn's; not there when the start itself fails
            state.server.config.timeout_graceful_shutdown = CLOSE_WITHIN_S
        shut_down(timeout=timeout)

    engine_client.shutdown = shutdown  # type: ignore[method-assign]  # vLLM has no hook for it


class RefuseWhileDraining:
    """An ASGI layer that answers 503 once the engine is shutting down."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in STILL_SERVED and _is_draining(scope):
            refusal = error_response(
                "the server is shutting down; send the request to another one or try again later",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_draining(scope: Scope) -> bool:
    return getattr(scope["app"].state, "winnow_is_draining", False)
