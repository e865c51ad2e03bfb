"""The app of `winnow serve` and its engine without a socket: what a replica of Ray Serve runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from vllm.engine.protocol import EngineClient
from vllm.entrypoints.launchers.api_server.app_state import init_app_state
from vllm.entrypoints.launchers.api_server.entry import build_async_engine_client
from vllm.entrypoints.launchers.app import build_app
from vllm.entrypoints.launchers.launcher import validate_api_server_args
from vllm.reasoning import ReasoningParserManager
from vllm.tool_parsers import ToolParserManager
from vllm.v1.engine.async_llm import AsyncLLM

from server.vllm_adapter.engine_death import exit_at_once
from server.vllm_adapter.launch import prepare


@asynccontextmanager
async def running_app(arguments: list[str]) -> AsyncIterator[tuple[FastAPI, EngineClient]]:
    """The app, ready and warmed up; on leaving its engine is shut down.

    Raises:
        UnreadableCheckpoint, UnusableCanaries, UnusableKeys, UnusableFlag: as `prepare`.
        SystemExit: vLLM does not take the flags; it has said why.
    """
    args = prepare(arguments)
    # As vLLM's `setup_server` does beside opening its socket.
    if args.tool_parser_plugin:
        ToolParserManager.import_tool_parser(args.tool_parser_plugin)
    if args.reasoning_parser_plugin:
        ReasoningParserManager.import_reasoning_parser(args.reasoning_parser_plugin)
    validate_api_server_args(args)  # type: ignore[no-untyped-call]  # vLLM leaves it untyped
    async with build_async_engine_client(args) as engine_client:
        tasks = await engine_client.get_supported_tasks()
        app = build_app(args, tasks, engine_client.model_config)
        await init_app_state(engine_client, app.state, args, tasks)
        assert isinstance(engine_client, AsyncLLM)
        exit_at_once(engine_client, app.state)
        yield app, engine_client
