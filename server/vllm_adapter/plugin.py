"""Winnow as vLLM loads it: an endpoint plugin (entry point group `vllm.endpoint_plugins`)."""

from argparse import Namespace
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from vllm.engine.protocol import EngineClient
from vllm.envs import enable_envs_cache
from vllm.tasks import SupportedTask

from decoding.engine import PathAborted, UnaskableQuestion
from retrieval.store import CollectionError
from server.canaries.opening import load_canaries
from server.canaries.traffic import CountTraffic, Traffic
from server.collections import routes as collection_routes
from server.collections.memory import Rememberer
from server.collections.routes import LazyLibrary
from server.decoders import load_decoders
from server.energy import POWERCAP, count_energy
from server.errors import COLLECTION_STATUS, InvalidRequest, error_response
from server.gate import ready
from server.gate.refusals import Refused
from server.metrics import server_metrics
from server.refusal import DECODING_PATHS, RefuseDecodingElsewhere
from server.replies import routes as reply_routes
from server.replies.ledger import Ledger
from server.replies.opening import open_reply_log
from server.settings import load_settings
from server.verifiers import load_verifiers
from server.vllm_adapter import large_replies, models, routes, stored_responses, tokenizing
from server.vllm_adapter.canaries import start_canaries
from server.vllm_adapter.deadline import DeadlinePassed
from server.vllm_adapter.draining import RefuseWhileDraining, drain_on_shutdown
from server.vllm_adapter.engine_death import watch_engine
from server.vllm_adapter.gate import put_in_front
from server.vllm_adapter.logs import log_as_vllm_does
from server.vllm_adapter.rendering import refuse_unreadable
from server.vllm_adapter.response_events import let_failures_through
from server.vllm_adapter.structured import tell_of_dead_ends
from server.vllm_adapter.warm_up import warm_up
from server.wire import FIELD


class WinnowPlugin:
    """Replaces the routes that take `decoding`; adds the aliases; warms the engine up."""

    name = "winnow"
    required_tasks: tuple[SupportedTask, ...] | None = None

    def attach_router(self, app: FastAPI) -> None:
        log_as_vllm_does()
        settings = load_settings()
        app.state.winnow_settings = settings
        self._app, self._settings = app, settings
        load_decoders()
        app.state.winnow_verifiers = load_verifiers(settings)
        count_energy(settings.powercap or POWERCAP)
        self._canaries = load_canaries(settings, app.state.winnow_verifiers)
        self._traffic = Traffic()
        if self._canaries is not None:
            app.add_middleware(CountTraffic, traffic=self._traffic)
        app.add_middleware(
            RefuseDecodingElsewhere, split=lambda model: models.split_model(app.state, model)
        )
        app.add_middleware(RefuseWhileDraining)
        lazy = LazyLibrary(settings)
        app.state.winnow_library = lazy
        app.state.winnow_ledger = Ledger(
            lambda: open_reply_log(lazy.library.store), settings.reply_retention_days
        )
        app.state.winnow_rememberer = Rememberer(lambda: lazy.library, settings)
        app.add_exception_handler(InvalidRequest, _refuse)
        app.add_exception_handler(CollectionError, _tell_of_collection)
        app.add_exception_handler(UnaskableQuestion, _cannot_ask)
        app.add_exception_handler(PathAborted, _give_up)
        app.add_exception_handler(DeadlinePassed, _tell_of_deadline)
        # vLLM puts FastAPI's own errors in OpenAI's shape, but not those that FastAPI raises as
        # Starlette's: a body that does not parse, an unknown route.
        app.add_exception_handler(HTTPException, _fail)
        app.include_router(ready.router)
        app.include_router(models.router)
        app.include_router(collection_routes.router)
        app.include_router(reply_routes.router)
        if any(getattr(route, "path", "") == "/v1/chat/completions" for route in app.routes):
            app.include_router(routes.router)
            app.include_router(stored_responses.router)
        if any(getattr(route, "path", "") == "/tokenize" for route in app.routes):
            app.include_router(tokenizing.router)

    async def init_state(
        self, engine_client: EngineClient | None, state: State, args: Namespace
    ) -> None:
        # Routes are tried in turn, by the router and by what counts requests: most go to these.
        self._app.router.routes.sort(
            key=lambda route: getattr(route, "path", None) not in DECODING_PATHS
        )
        put_in_front(self._app, self._settings, engine_client, args)
        if getattr(state, "online_renderer", None) is not None:
            refuse_unreadable(state)
        if engine_client is not None:
            large_replies.install(engine_client)
            tell_of_dead_ends()
            let_failures_through()
            # Kept, since a task that nobody keeps is collected.
            state.winnow_watch = watch_engine(engine_client, state)
        models.tell_of_aliases(state)
        if engine_client is not None and models.has_decoders(state):
            await warm_up(engine_client)
            asking = None
            if self._canaries is not None:
                asking = start_canaries(state, self._canaries, self._traffic)
            drain_on_shutdown(engine_client, state, asking)
        # vLLM reads variables of the environment for every token, and caches them in the engine's
        # process alone: 4 % of this one's time under CoT-decoding, 1 % under plain requests.
        enable_envs_cache()


async def _refuse(request: Request, failure: Exception) -> Response:
    server_metrics().count_error(failure)
    assert isinstance(failure, InvalidRequest)
    headers = failure.headers if isinstance(failure, Refused) else None
    return error_response(failure.message, failure.param or None, failure.status, headers)


async def _tell_of_collection(request: Request, failure: Exception) -> Response:
    server_metrics().count_error(failure)
    assert isinstance(failure, CollectionError)
    param = None
    if request.url.path in DECODING_PATHS:
        is_wrapped = getattr(request.state, "winnow_is_wrapped", False)
        param = f"{FIELD}.collection" if is_wrapped else f"{FIELD}.retrieval"
    return error_response(str(failure), param, COLLECTION_STATUS[type(failure)])


async def _cannot_ask(request: Request, failure: Exception) -> Response:
    server_metrics().count_error(failure)
    return error_response(str(failure), f"{FIELD}.prompting")


async def _give_up(request: Request, failure: Exception) -> Response:
    server_metrics().count_error(failure)
    return error_response(f"{failure}; try again", status=HTTPStatus.SERVICE_UNAVAILABLE)


async def _tell_of_deadline(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, DeadlinePassed)  # counted where it was raised, as in streams
    return error_response(str(failure), status=failure.status_code)


async def _fail(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    reply = error_response(failure.detail, status=HTTPStatus(failure.status_code))
    reply.headers.update(failure.headers or {})
    return reply
