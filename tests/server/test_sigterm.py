"""SIGTERM: what runs is finished or refused, and the process leaves with exit code 0."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.questions import COT, chat
from tests.server.server_process import ServerProcess, num_requests, running_server, wait_until

pytestmark = pytest.mark.vllm
NUM_PATHS = 8
LONG = chat(decoding={"strategy": "cot_decoding", "k": NUM_PATHS}, ignore_eos=True, max_tokens=1900)
IN_TIME = {**LONG, "max_tokens": 800}  # done within the 30 s that it has, on a busy machine, too


@pytest.fixture
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    with running_server(
        "pocket", tmp_path / "server.log", *request.param, is_forked=False
    ) as server:
        yield server


@pytest.mark.parametrize("own_server", [()], indirect=True, ids=["defaults"])
def test_running_request_is_finished_new_one_refused_and_exit_code_is_zero(
    own_server: ServerProcess,
) -> None:
    with own_server.http() as http, own_server.http() as other, ThreadPoolExecutor(1) as pool:
        running = pool.submit(http.post, "/v1/chat/completions", json=IN_TIME)
        wait_until(lambda: num_requests(other) >= NUM_PATHS, 30, "running")
        own_server.terminate()
        wait_until(lambda: is_draining(other), 10, "draining")
        assert_refused(other.post("/v1/chat/completions", json=chat(decoding=COT)))
        assert_refused(other.post("/v1/chat/completions", json=chat()))
        reply = running.result()
    assert reply.status_code == httpx.codes.OK, reply.text
    assert reply.json()["usage"]["completion_tokens"] == NUM_PATHS * IN_TIME["max_tokens"]
    assert own_server.wait() == 0, own_server.log.read_text()


@pytest.mark.parametrize("own_server", [("--shutdown-timeout", "1")], indirect=True, ids=["1 s"])
def test_request_that_outlives_the_timeout_does_not_keep_the_server(
    own_server: ServerProcess,
) -> None:
    with own_server.http() as http, own_server.http() as other, ThreadPoolExecutor(1) as pool:
        running = pool.submit(http.post, "/v1/chat/completions", json=LONG)
        wait_until(lambda: num_requests(other) >= NUM_PATHS, 30, "running")
        own_server.terminate()
        assert own_server.wait() == 0, own_server.log.read_text()
        with contextlib.suppress(httpx.RemoteProtocolError):  # closed without a reply
            assert running.result().status_code >= httpx.codes.INTERNAL_SERVER_ERROR


def is_draining(http: httpx.Client) -> bool:
    return http.get("/ready").status_code == httpx.codes.SERVICE_UNAVAILABLE


def assert_refused(reply: httpx.Response) -> None:
    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert reply.json()["error"]["code"] == httpx.codes.SERVICE_UNAVAILABLE
    assert "shutting down" in reply.json()["error"]["message"]
