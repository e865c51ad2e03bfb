"""docker/Dockerfile.cpu, built and run for real: podman needs no daemon.

It takes as long as a quarter of all other tests: `make image-test` asks for it.
"""

import os
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.docker.containers import (
    IMAGE,
    Container,
    Podman,
    build,
    podman,
    running,
    wheel_folders,
)
from tests.server.server_process import wait_until

pytestmark = pytest.mark.vllm

READY_WITHIN_S = 300
DRAINED_WITHIN_S = 45
DEAD_WITHIN_S = 30
ASKED_FOR = "WINNOW_TEST_IMAGE"
EXIT_ENGINE_DEAD = 70
USER_ID = "10001"
# Below the init and the server; Python's own resource tracker is there, too.
KILL_ENGINE = """
import psutil
for child in psutil.Process(1).children()[0].children():
    if not any("resource_tracker" in part for part in child.cmdline()):
        child.kill()
"""
QUESTION = {"role": "user", "content": "Tom has 3 apples and buys 4 apples. How many apples?"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    if not os.environ.get(ASKED_FOR):
        pytest.skip(f"an image takes minutes to build: set {ASKED_FOR}, or `make image-test`")
    folder = tmp_path_factory.mktemp("image")
    found = podman(folder)
    build(found, folder)
    return found


@pytest.fixture(scope="module")
def container(image: Podman) -> Iterator[Container]:
    with running(image) as one:
        assert not one.is_healthy()  # it has hardly begun
        wait_until(one.is_ready, READY_WITHIN_S, "ready")
        yield one


def test_image_says_what_it_is_and_how_it_runs(image: Podman) -> None:
    found = image.inspect(IMAGE)
    config = found["Config"]
    assert config["User"].partition(":")[0] == USER_ID
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    assert config["Entrypoint"] == ["tini", "--", "winnow", "serve"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["Labels"]["org.opencontainers.image.revision"] == "tested"
    assert found["HealthCheck" if "HealthCheck" in found else "Healthcheck"]["Test"][0] == "CMD"


def test_nothing_of_the_machine_that_built_it_is_inside(container: Container) -> None:
    history = container.podman.run("podman", "history", "--no-trunc", IMAGE).stdout
    environment = container.sh("env")
    for folder in wheel_folders():
        assert folder not in history + environment
        assert container.sh(f"ls -A {folder} 2>/dev/null || true") == ""
    assert container.sh("ls -A /run/secrets 2>/dev/null || true") == ""
    assert container.sh("ls -d /source /tools 2>/dev/null || true") == ""


def test_it_is_nobody_and_writes_only_where_it_may(container: Container) -> None:
    assert container.sh("id -u").strip() == USER_ID
    container.sh("touch /cache/written /data/written /tmp/written")
    refused = container.sh("touch /winnow/written 2>&1 || true", is_checked=False)
    assert "Read-only" in refused


def test_decoded_question_is_answered_through_the_published_port(container: Container) -> None:
    with openai.OpenAI(base_url=f"{container.url}/v1", api_key="none", max_retries=0) as client:
        reply: Any = client.chat.completions.create(
            model="pocket",
            messages=[QUESTION],  # type: ignore[list-item]  # a message
            extra_body={"decoding": {"strategy": "cot_decoding"}},
        )
    assert reply.decoding["strategy"] == "cot_decoding"
    assert reply.choices[0].message.content
    assert container.is_healthy()


def test_sigterm_finishes_what_runs_and_ends_with_zero(container: Container) -> None:
    asked = {"messages": [QUESTION], "max_tokens": 1000, "ignore_eos": True, "n": 4}
    replies: list[httpx.Response] = []

    def ask() -> None:
        url = f"{container.url}/v1/chat/completions"
        replies.append(httpx.post(url, json=asked, timeout=120))

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: _num_running(container.url) > 0, 60, "running")
    container.podman.run("podman", "kill", "--signal", "TERM", container.name)
    assert container.wait(DRAINED_WITHIN_S) == 0
    thread.join()
    assert [reply.status_code for reply in replies] == [HTTPStatus.OK], container.logs()


def test_container_ends_when_its_engine_is_killed(image: Podman) -> None:
    # In a process of its own, as it is on more than four cores and on GPUs.
    with running(image, "-e", "VLLM_ENABLE_V1_MULTIPROCESSING=1") as one:
        wait_until(one.is_ready, READY_WITHIN_S, "ready")
        one.podman.run("podman", "exec", one.name, "python", "-c", KILL_ENGINE)
        assert one.wait(DEAD_WITHIN_S) == EXIT_ENGINE_DEAD
        assert "the engine died" in one.logs()


def test_health_check_needs_a_server(tmp_path: Path) -> None:
    from measurement.machine import free_port
    from server.healthcheck import reason_not_ready

    reason = reason_not_ready(str(free_port()))
    assert reason is not None
    assert reason.startswith("no answer on port")


def _num_running(url: str) -> float:
    lines = httpx.get(f"{url}/metrics", timeout=10).text.splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("vllm:num_requests_running")
    )
