"""When the engine's process dies, this one ends, too, within seconds and not with exit code 0, so
that whoever supervises it starts a new one. A server without its engine would refuse every request
faster than its neighbours can answer one, and draw the traffic."""

import asyncio
import logging
import os
import threading
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import State
from vllm.engine.protocol import EngineClient
from vllm.exceptions import GenerationError
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from server.errors import error_response
from server.gate.refusals import Refused

EXIT_ENGINE_DEAD = 70  # EX_SOFTWARE
POLL_S = 0.25
REPLIES_WITHIN_S = 1
EXIT_WITHIN_S = 5.0

logger = logging.getLogger(__name__)
_has_died = threading.Event()


def has_died() -> bool:
    return _has_died.is_set()


class EngineDied(EngineDeadError, GenerationError):  # of which vLLM's streams tell the status
    """What requests under way are told."""

    def __init__(self) -> None:
        super().__init__(suppress_context=True)
        refusal = died_reply()
        self.args = (refusal.message,)
        self.status_code = refusal.status


def watch_engine(engine_client: EngineClient, state: State) -> asyncio.Task[None]:
    """Have requests told of the engine's death, and end the process after it."""
    assert isinstance(engine_client, AsyncLLM)
    tell_requests = engine_client.output_processor.propagate_error

    def tell_rightly(failure: Exception) -> None:
        tell_requests(EngineDied() if isinstance(failure, EngineDeadError) else failure)

    # vLLM has no hook for it; its own error would be a 500 in a stream.
    engine_client.output_processor.propagate_error = tell_rightly  # type: ignore[assignment,method-assign]
    return asyncio.create_task(_watch(engine_client, state))


async def _watch(engine_client: EngineClient, state: State) -> None:
    # vLLM sets a flag, and has no event.
    while not engine_client.errored:  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    if getattr(state, "winnow_is_draining", False):
        return  # it was told to
    _has_died.set()
    logger.critical("the engine died; this server exits, to be started again by its supervisor")
    # Should anything hang on the way out: API servers of their own process, too, end like this.
    last_resort = threading.Timer(EXIT_WITHIN_S, os._exit, [EXIT_ENGINE_DEAD])
    last_resort.daemon = True
    last_resort.start()
    if not hasattr(state, "server"):  # uvicorn's, which a replica of Ray Serve has not
        os._exit(EXIT_ENGINE_DEAD)
    state.server.config.timeout_graceful_shutdown = REPLIES_WITHIN_S
    state.server.should_exit = True


def exit_at_once(engine_client: AsyncLLM, state: State) -> None:
    """Have a replica exit as soon as its engine dies.

    The proxy in front of it tells the clients of the loss and sends other requests elsewhere. If
    the requests were told here, their clients would be back before the replica is gone.
    """

    tell_requests = engine_client.output_processor.propagate_error

    def exit_now(failure: Exception) -> None:
        if getattr(state, "winnow_is_draining", False):  # it was told to
            tell_requests(failure)
            return
        logger.critical(
            "the engine died; this replica exits, for Ray to start another: %s", failure
        )
        os._exit(EXIT_ENGINE_DEAD)

    # vLLM has no hook for it. This is where it tells the requests under way.
    engine_client.output_processor.propagate_error = exit_now  # type: ignore[assignment,method-assign]


def died_reply() -> Refused:
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the engine died and is started anew; send the request again",
        retry_after_s=EXIT_WITHIN_S,
    )


async def tell_of_death(request: Request, failure: Exception) -> Response:
    refusal = died_reply()
    return error_response(refusal.message, None, refusal.status, refusal.headers)
