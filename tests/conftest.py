"""What is started once for the whole session: a server, its clients and an engine beside them."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx
import openai
import pytest

from server.checkpoint import bundled_checkpoint
from server.defaults import apply_environment
from tests.retrieval.stores import postgres, postgres_url, store  # noqa: F401  # fixtures
from tests.server.server_process import ServerProcess, running_server

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """`winnow serve pocket`, with what `tools` and schemas need: a parser, and no whitespace
    between JSON's parts, which a small model would go on with until it is cut off."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    flags = (
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        *("--structured-outputs-config", '{"disable_any_whitespace": true, "backend": "xgrammar"}'),
    )
    environment = {
        "WINNOW_STORE": str(log.parent / "collections.sqlite3"),
        "WINNOW_COMPILE_TIMEOUT_S": "2",
        "WINNOW_EXTRA_ROUTES": '["/v1/chat/completions/batch"]',
    }
    with running_server("pocket", log, *flags, environment=environment) as running:
        yield running
        running.terminate()
        assert running.wait() == 0, log.read_text(errors="replace")


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.http() as http:
        yield http


@pytest.fixture(scope="session")
def vllm_environment() -> Iterator[None]:
    """The environment that `winnow serve` gives itself, for engines started by tests."""
    with pytest.MonkeyPatch.context() as patch:
        defaults = dict(os.environ)
        apply_environment(defaults, is_cpu=True)
        for name, value in defaults.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
async def pocket_llm(vllm_environment: None) -> AsyncIterator["AsyncLLM"]:
    """The bundled checkpoint in an engine without a server around it."""
    from tests.contract.vllm_subject import running_llm

    async with running_llm(str(bundled_checkpoint())) as llm:
        yield llm


LONGEST_FIRST = (
    "tests/compression/test_real_compress.py",
    "tests/compression/proof/test_real_proof.py",
    "tests/server/test_ray_autoscaling.py",  # not beside the other one of Ray: four engines
    "tests/docker/test_regression.py",
    "tests/server/test_data_parallel.py",
    "tests/server/test_soak.py",
    "tests/server/test_hostile.py",
    "tests/server/test_ray_serve.py",
    "tests/benchmarks/compare/test_real_run.py",
)
"""Files of tests that take minutes: begun last, one process would wait for the other."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(config.rootpath).as_posix()
        return LONGEST_FIRST.index(path) if path in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


def pytest_configure(config: pytest.Config) -> None:
    # An engine that was shut down leaves its ZeroMQ contexts to the garbage collector.
    config.addinivalue_line("filterwarnings", "ignore:Unclosed context <zmq:ResourceWarning")
