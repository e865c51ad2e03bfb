"""Two replicas under Ray Serve: a real cluster, asked through its proxy."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from tests.server.questions import MESSAGES, MODEL
from tests.server.ray_clients import CHAT, END, SESSION, loaded, story
from tests.server.ray_cluster import REPLICA, Cluster, running_cluster
from tests.server.server_process import num_requests, wait_until

pytestmark = pytest.mark.vllm

NUM_CLIENTS = 8
RECOVERS_WITHIN_S = 120.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    log = tmp_path_factory.mktemp("ray") / "log"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}.items():
            patch.setenv(name, value)
        with running_cluster(log, {"min_replicas": 2, "max_replicas": 2}) as running:
            yield running


@pytest.fixture
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    with cluster.http() as http:
        yield http


def test_requests_spread_over_two_whole_servers(cluster: Cluster, http: httpx.Client) -> None:
    assert len(cluster.replicas(http)) == 2
    assert len(cluster.engines()) == 2


def test_decoders_reply_through_the_proxy(cluster: Cluster) -> None:
    with openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="none", max_retries=0) as client:
        reply = client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            temperature=0,
            extra_body={"decoding": {"strategy": "cot_decoding"}},
        )
    assert reply.choices[0].message.content is not None
    assert reply.choices[0].message.content.endswith("The answer is 64.")
    assert (reply.model_extra or {})["decoding"]["answer"] == "64"


def test_a_session_and_a_conversation_stay_on_their_replica(http: httpx.Client) -> None:
    def asked(number: int, **headers: str) -> str:
        reply = http.post(CHAT, json=story(f"{number}", 1), headers=headers)
        assert reply.status_code == httpx.codes.OK
        return reply.headers[REPLICA]

    homes = {}
    for name in "abcdefghijklmnop":  # all on one half of the ring by chance: 1 in 30,000
        (homes[name],) = {asked(n, **{SESSION: name}) for n in range(3)}
    assert len(set(homes.values())) == 2
    conversations = {}
    for number in range(16):
        (conversations[number],) = {asked(number) for _ in range(3)}
    assert len(set(conversations.values())) == 2


def test_streams_come_as_they_are_made(http: httpx.Client) -> None:
    began, arrivals = time.monotonic(), []
    with http.stream("POST", CHAT, json=story(is_streamed=True)) as reply:
        for chunk in reply.iter_raw():
            arrivals.append(time.monotonic() - began)
            last = chunk
    assert last.endswith(END.encode())
    assert len(arrivals) > 50
    assert arrivals[0] < arrivals[-1] / 4


def test_errors_have_our_form_and_one_id(http: httpx.Client) -> None:
    body = story() | {"decoding": {"strategy": "nope"}}
    reply = http.post(CHAT, json=body, headers={"x-request-id": "mine"})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "decoding.strategy"
    assert reply.headers.get_list("x-request-id") == ["mine"]
    assert http.get("/nowhere").json()["error"]["code"] == httpx.codes.NOT_FOUND


def test_a_client_that_leaves_stops_its_paths(cluster: Cluster, http: httpx.Client) -> None:
    body = story(num_tokens=1900) | {"decoding": {"strategy": "majority_vote", "num_samples": 8}}
    http.headers[SESSION] = "leaving"  # so that the metrics are of the same replica
    with cluster.http() as leaving, ThreadPoolExecutor(1) as pool:
        leaving.headers[SESSION] = "leaving"
        leaving.timeout = httpx.Timeout(30, read=4)
        reply = pool.submit(leaving.post, CHAT, json=body)
        wait_until(lambda: num_requests(http) >= 8, 4, "all at work")
        with pytest.raises(httpx.ReadTimeout):
            reply.result()
    assert wait_until(lambda: num_requests(http) == 0, 20, "idle") < 3


def test_a_killed_engine_costs_what_it_had_and_no_more(
    cluster: Cluster, http: httpx.Client
) -> None:
    before = cluster.replicas(http)
    with loaded(cluster, NUM_CLIENTS) as load:
        time.sleep(3)  # for all of them to be at it
        victim = cluster.engines()[0]
        victim.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        wait_until(lambda: load.failures != [], 20, "lost requests")
        time.sleep(5)  # for what else there might be

    def are_two_again() -> bool:
        now = cluster.replicas(http)
        return len(now) == 2 and now != before

    wait_until(are_two_again, RECOVERS_WITHIN_S, "two again")
    assert 1 <= len(load.failures) <= NUM_CLIENTS
    for failure in load.failures:
        assert failure.began < killed_at + 0.5, "the loss was of what was under way"
        assert failure.error["code"] == httpx.codes.SERVICE_UNAVAILABLE
        assert "send the request again" in str(failure.error["message"])
        if failure.status != httpx.codes.OK:
            assert int(failure.retry_after or 0) >= 1
    assert len(load.answered) > NUM_CLIENTS
    after = cluster.replicas(http)
    assert len(after & before) == 1, "one is new"
