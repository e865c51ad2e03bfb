"""When the engine dies, the server says so and ends, for its supervisor to start it again."""

import contextlib
import json
import signal
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.engine_process import engines_of
from tests.server.server_process import ServerProcess, num_requests, running_server, wait_until

pytestmark = pytest.mark.vllm

CHAT = "/v1/chat/completions"
LONG = {
    "model": "pocket",
    "messages": [{"role": "user", "content": "Tell me a story."}],
    "max_tokens": 1900,
    "ignore_eos": True,
}
STREAMED = {
    CHAT: LONG,
    "/v1/completions": {"prompt": "Once", "max_tokens": 1900, "ignore_eos": True},
    "/v1/responses": {"input": "Tell a story.", "max_output_tokens": 1900, "ignore_eos": True},
}
EXIT_ENGINE_DEAD = 70  # its module cannot be imported without vLLM
WITHIN_S = 15.0


def kill_engine(server: ServerProcess) -> None:
    (engine,) = engines_of(psutil.Process(server.process.pid))
    engine.send_signal(signal.SIGKILL)


def last_error(events: str) -> dict[str, Any]:
    """Of a stream: chunks have it in `error`, the events of a response are it."""
    data = [line for line in events.splitlines() if line.startswith("data: {")]
    content: dict[str, Any] = json.loads(data[-1].removeprefix("data: "))
    return content.get("error", content)


def test_requests_are_told_and_the_process_ends(tmp_path: Path) -> None:
    decoded = {**LONG, "decoding": {"strategy": "majority_vote", "num_samples": 4}}
    with (
        running_server("pocket", tmp_path / "log") as server,
        server.http() as http,
        ThreadPoolExecutor(16) as pool,
    ):
        replies = [pool.submit(http.post, CHAT, json=body) for body in (LONG, decoded)]
        streams = [
            pool.submit(http.post, path, json=body | extra | {"stream": True})
            for path, body in STREAMED.items()
            for extra in ({}, {"decoding": {"strategy": "greedy"}})
        ]
        wait_until(lambda: num_requests(http) >= 11, 30, "running")
        kill_engine(server)
        began = time.monotonic()
        for reply in (one.result() for one in replies):
            assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert "send the request again" in reply.json()["error"]["message"]
            assert int(reply.headers["retry-after"]) >= 1
        for stream in (one.result() for one in streams):
            assert last_error(stream.text)["message"].endswith("send the request again")
            assert str(last_error(stream.text)["code"]) == "503"
        assert server.wait() == EXIT_ENGINE_DEAD
        assert time.monotonic() - began < WITHIN_S
        lines = [line for line in server.log.read_text().splitlines() if "CRITICAL" in line]
    assert len(lines) == 1
    assert "the engine died" in lines[0]


@pytest.mark.usefixtures("vllm_environment")
async def test_event_of_a_response_tells_of_the_death() -> None:
    from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses

    from server.vllm_adapter import response_events
    from server.vllm_adapter.engine_death import EngineDied

    response_events.let_failures_through()
    serving = object.__new__(OpenAIServingResponses)

    async def events() -> AsyncGenerator[Any, None]:
        try:
            raise EngineDied
        except EngineDied as died:
            yield serving._convert_generation_error_to_streaming_response(died)

    (event,) = [one async for one in response_events.as_sse(events())]
    assert last_error(event)["code"] == "503"


def test_fifty_clients_that_leave_at_once_leave_nothing_behind(http: httpx.Client) -> None:
    """Whole and streamed, with a decoder and without."""
    kinds = [{}, {"stream": True}]
    decoded = {"decoding": {"strategy": "majority_vote", "num_samples": 4}}
    bodies = [{**LONG, **kind, **extra} for kind in kinds for extra in ({}, decoded)]

    def leave(number: int) -> None:
        timeout = httpx.Timeout(30, read=1.0)
        with (
            contextlib.suppress(httpx.ReadTimeout),  # of replies that come whole
            httpx.Client(base_url=http.base_url, timeout=timeout) as client,
            client.stream("POST", CHAT, json=bodies[number % len(bodies)]) as reply,
        ):
            next(reply.iter_raw())

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(leave, range(50)))
    wait_until(lambda: num_requests(http) == 0, 20, "idle")
    assert http.get("/ready").status_code == httpx.codes.OK
    reply = http.post(CHAT, json={**LONG, "max_tokens": 4})
    assert reply.status_code == httpx.codes.OK
