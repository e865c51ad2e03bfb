"""Ray Serve has as many replicas as the load needs, from none to two and back to none, and loses
no request by it. `pytest --junitxml=FILE` writes how long each step took."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import httpx
import pytest

from tests.server.ray_clients import CHAT, END, SESSION, loaded, story
from tests.server.ray_cluster import REPLICA, Cluster, running_cluster
from tests.server.server_process import wait_until

pytestmark = pytest.mark.vllm

Record = Callable[[str, object], None]

NUM_CLIENTS = 5
NUM_STREAMED = 1000
"""Tokens: seconds, so that streams are under way when their replica is taken away."""
NUM_SESSIONS = 32
SCALES_WITHIN_S = 180.0
OPTIONS = {
    "min_replicas": 0,
    "max_replicas": 2,
    "target_ongoing_requests": 3,
    "upscale_delay_s": 1,
    "downscale_delay_s": 4,  # to find what sessions the second replica has
    "look_back_s": 5,
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    log = tmp_path_factory.mktemp("ray") / "log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}.items():
            patch.setenv(name, value)
        with running_cluster(log, OPTIONS) as running:
            yield running


@pytest.fixture
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    with cluster.http() as http:
        http.timeout = httpx.Timeout(SCALES_WITHIN_S)  # an engine is started meanwhile
        yield http


def test_first_requests_wait_for_an_engine(
    cluster: Cluster, http: httpx.Client, record_testsuite_property: Record
) -> None:
    assert cluster.engines() == []
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        bodies = [story("whole"), story("streamed", is_streamed=True)]
        whole, streamed = pool.map(lambda body: http.post(CHAT, json=body), bodies)
    record_testsuite_property("first request from none, s", time.monotonic() - began)
    assert whole.status_code == streamed.status_code == httpx.codes.OK
    assert whole.json()["usage"]["completion_tokens"] == 200
    assert streamed.text.endswith(END)
    assert len(cluster.engines()) == 1


@dataclass(frozen=True)
class Streamed:
    replica: str
    ended: float
    """On the clock of `time.monotonic`."""
    is_complete: bool


def stream_until(
    stop: threading.Event, cluster: Cluster, session: str, num_first: int
) -> list[Streamed]:
    """One stream after the other, the first of so many tokens."""
    streams: list[Streamed] = []
    with cluster.http() as http:
        while not stop.is_set():
            num_tokens = NUM_STREAMED if streams else num_first
            body = story(num_tokens=num_tokens, is_streamed=True)
            body |= {"stream_options": {"include_usage": True}}
            reply = http.post(CHAT, json=body, headers={SESSION: session})
            reply.raise_for_status()
            last = reply.text.removesuffix(END).rpartition("data: ")[2]
            is_complete = (
                reply.text.endswith(END)
                and json.loads(last)["usage"]["completion_tokens"] == num_tokens
            )
            streams.append(Streamed(reply.headers[REPLICA], time.monotonic(), is_complete))
    return streams


def home(http: httpx.Client, session: str) -> str:
    """The replica that a session is on."""
    return http.get("/v1/models", headers={SESSION: session}).headers[REPLICA]


def test_load_brings_a_second_and_quiet_takes_it_away(
    cluster: Cluster, http: httpx.Client, record_testsuite_property: Record
) -> None:
    (first,) = cluster.replicas(http)
    with loaded(cluster, NUM_CLIENTS) as load:
        took = wait_until(lambda: set(load.answered) > {first}, SCALES_WITHIN_S, "two that answer")
        record_testsuite_property("load to the second replica's first answer, s", took)
        num_before = len(load.answered)
        wait_until(lambda: len(set(load.answered[num_before:])) == 2, 20, "both at work")
    assert load.failures == []
    quiet_at = time.monotonic()
    (second,) = set(load.answered) - {first}

    # Two at a time, half a stream apart: whenever the replica goes, one is far from its end.
    names = map(str, range(NUM_SESSIONS))
    moving = list(islice((name for name in names if home(http, name) == second), 2))
    assert len(moving) == 2, "the second replica has no sessions, or is gone before they were found"
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        try:
            clients = [
                pool.submit(stream_until, stop, cluster, name, num_first)
                for name, num_first in zip(moving, (NUM_STREAMED, NUM_STREAMED // 2), strict=True)
            ]
            wait_until(lambda: home(http, moving[0]) == first, SCALES_WITHIN_S, "sessions moved")
            moved_at = time.monotonic()
        finally:
            stop.set()
        streams = [one for client in clients for one in client.result()]
    record_testsuite_property("quiet to no more requests for the second, s", moved_at - quiet_at)
    assert all(one.is_complete for one in streams)
    ends = [one.ended for one in streams if one.replica == second]
    assert max(ends) > moved_at, "no stream was under way on the replica that was taken away"
    record_testsuite_property("its last stream's end after that, s", max(ends) - moved_at)
    wait_until(lambda: len(cluster.engines()) < 2, SCALES_WITHIN_S, "one engine")
    record_testsuite_property("quiet to one engine, s", time.monotonic() - quiet_at)


def test_quiet_leaves_no_engine(cluster: Cluster, record_testsuite_property: Record) -> None:
    took = wait_until(lambda: cluster.engines() == [], SCALES_WITHIN_S, "none")
    record_testsuite_property("one engine to none, s", took)
