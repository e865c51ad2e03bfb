"""One replica: the whole of `winnow serve`, in Ray's process for it."""

from contextlib import AsyncExitStack

from ray import serve
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.readying import ready

REPLICA_HEADER = b"x-winnow-replica"


class ReplicaFailed(Exception):
    """It cannot be started, or its engine is dead."""


class Replica:
    """What Ray starts, asks for its health and takes away.

    vLLM is imported in the constructor: not before its environment has its defaults, and not in
    the process that builds the application.
    """

    async def __init__(self, arguments: list[str]) -> None:  # type: ignore[misc]  # Ray awaits it
        self._running = AsyncExitStack()
        arguments = ready(arguments)
        from server.vllm_adapter.in_process import running_app

        try:
            app, self._engine = await self._running.enter_async_context(running_app(arguments))
        except SystemExit:
            raise ReplicaFailed(
                "vLLM does not take the flags; the replica's log says why"
            ) from None
        self._app = Named(app, serve.get_replica_context().replica_id.unique_id)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return self._app

    async def check_health(self) -> None:
        """Check that the engine is alive.

        Raises:
            ReplicaFailed: the engine died.
        """
        if self._engine.errored:
            raise ReplicaFailed("the engine died")

    async def __del__(self) -> None:
        # Ray calls it once, when no request is left or the time for them is up.
        await self._running.aclose()


class Named:
    """An ASGI layer that says which replica a reply is from."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._header = (REPLICA_HEADER, name.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), self._header]}
            await send(message)

        await self._app(scope, receive, send_named)
