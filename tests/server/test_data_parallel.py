"""Two data-parallel engines behind one server: all paths of a request stay on one of them."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.server.events import read_stream
from tests.server.questions import chat
from tests.server.server_process import running_server, wait_until

pytestmark = pytest.mark.vllm
STARTED = "Application startup complete"
NUM_PATHS, NUM_TOKENS = 8, 20
BRANCHING = {"strategy": "cot_decoding", "k": NUM_PATHS}
GENERATED = re.compile(r'^vllm:generation_tokens_total\{.*engine="(\d)".*\} ([\d.e+]+)$', re.M)


@pytest.fixture(scope="module")
def two_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("two_engines") / "server.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_KEEP_ALIVE_S", "0.01")
        with (
            running_server("pocket", log, "--data-parallel-size", "2") as server,
            server.http() as http,
        ):
            # One of the two API servers answers before the other has warmed its engine up.
            wait_until(lambda: log.read_text().count(STARTED) == 2, 120, "started twice")
            yield http


def num_generated(http: httpx.Client) -> dict[str, float]:
    """Tokens by engine, by vLLM's own metrics."""
    counts = {engine: float(n) for engine, n in GENERATED.findall(http.get("/metrics").text)}
    assert len(counts) == 2, "vLLM renamed its metrics"
    return counts


def test_paths_of_a_request_run_on_one_engine(two_engines: httpx.Client) -> None:
    """The probe's token and all others of the paths; both engines get requests in time."""
    body = chat(decoding=BRANCHING, ignore_eos=True, max_tokens=NUM_TOKENS)
    used = set()
    for _ in range(12):
        before = num_generated(two_engines)
        assert two_engines.post("/v1/chat/completions", json=body).status_code == httpx.codes.OK
        after = num_generated(two_engines)
        spent = {engine: after[engine] - before[engine] for engine in after}
        assert sorted(spent.values()) == [0, 1 + NUM_PATHS * (NUM_TOKENS - 1)]
        used.add(max(spent, key=spent.__getitem__))
    assert len(used) == 2


def test_a_silent_stream_is_kept_alive_by_comments(two_engines: httpx.Client) -> None:
    body = chat(decoding=BRANCHING, ignore_eos=True, max_tokens=400)
    lines = read_stream(two_engines, "/v1/chat/completions", body).lines
    first_data = next(i for i, line in enumerate(lines) if line.startswith("data:"))
    assert lines[:first_data].count(": keep-alive") > 3
