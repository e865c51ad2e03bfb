"""The operator's verifiers and decoders: a reward endpoint, and what other packages install."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from server.http_verifier import _read_score
from tests.server.questions import QUESTION, Json, chat
from tests.server.server_process import START_TIMEOUT_S, WINNOW, running_server

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
KEY = "reward-key"
BEST = {"strategy": "best_of_n", "num_samples": 8, "temperature": 1, "seed": 1}
MODULE = '''
import asyncio
from typing import Literal

from winnow import SampledDecoder, Selection

class Shortest(SampledDecoder):
    """The shortest complete sample."""

    strategy: Literal["shortest"] = "shortest"

    async def select(self, samples):
        return Selection(min(await samples.complete(), key=lambda sample: sample.num_tokens))

class Longest:
    needs_question = False
    async def score(self, claim, engine):
        return len(claim.text)

class Slow(Longest):
    async def score(self, claim, engine):
        await asyncio.sleep(60)

class Raising(Longest):
    async def score(self, claim, engine):
        raise RuntimeError("a secret of the verifier")
'''
ENTRY_POINTS = """[winnow.verifiers]
longest = grading:Longest
slow = grading:Slow
raising = grading:Raising
[winnow.decoders]
shortest = grading:Shortest
"""


class RewardServer(ThreadingHTTPServer):
    request_queue_size = 64  # at the usual 5 a burst of connections waits for a second


class RewardModel(BaseHTTPRequestHandler):
    """Rewards short replies, as vLLM's /pooling would write it; fails where it is asked to."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question, reply = (message["content"] for message in body["messages"])
        is_known = self.headers["Authorization"] == f"Bearer {KEY}" and body["model"] == "reward"
        status = 500 if "fail" in question or not is_known else 200
        content = json.dumps({"data": [{"data": [-float(len(reply))]}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def reward_url() -> Iterator[str]:
    server = RewardServer(("127.0.0.1", 0), RewardModel)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pooling"
    server.shutdown()
    thread.join()
    server.server_close()


def install(folder: Path, entry_points: str = ENTRY_POINTS) -> Path:
    """A package that gives verifiers, as pip would lay it out."""
    (folder / "grading.py").write_text(MODULE)
    info = folder / "grading-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grading\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    return folder


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, reward_url: str) -> Iterator[httpx.Client]:
    folder = install(tmp_path_factory.mktemp("verifiers"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv("WINNOW_VERIFIER_URL", reward_url)
        patch.setenv("WINNOW_VERIFIER_MODEL", "reward")
        patch.setenv("WINNOW_VERIFIER_API_KEY", KEY)
        patch.setenv("WINNOW_VERIFIER_TIMEOUT_S", "0.5")
        log = folder / "server.log"
        with (
            running_server("pocket", log, "--max-logprobs", "4") as server,
            server.http() as client,
        ):
            yield client


def report_of(http: httpx.Client, verifier: str, question: str = QUESTION) -> Json:
    messages = [{"role": "user", "content": question}]
    decoding = {**BEST, "verifier": verifier, "return_texts": True}
    reply = http.post(CHAT, json=chat(messages=messages, decoding=decoding))
    assert reply.status_code == httpx.codes.OK, reply.text
    assert "secret" not in reply.text
    report: Json = reply.json()["decoding"]
    return report


def complete(report: Json) -> list[Json]:
    return [c for c in report["candidates"] if c["dropped"] in (None, "unscored")]


def test_reward_endpoint_decides(http: httpx.Client) -> None:
    report = report_of(http, "http")
    lengths = [len(c["text"]) for c in complete(report)]
    assert len(set(lengths)) > 1
    assert len(report["candidates"][report["selected"]]["text"]) == min(lengths)
    assert [c["score"] for c in complete(report)] == [-length for length in lengths]


def test_reward_endpoint_that_fails_leaves_samples_unscored(http: httpx.Client) -> None:
    report = report_of(http, "http", f"fail: {QUESTION}")
    assert report["unscored"] == {"failed": len(complete(report))}
    assert report["fallback"] == "the verifier scored no complete sample"


def test_installed_verifier_decides(http: httpx.Client) -> None:
    report = report_of(http, "longest")
    lengths = [len(c["text"]) for c in complete(report)]
    assert len(report["candidates"][report["selected"]]["text"]) == max(lengths)


@pytest.mark.parametrize("stream", [False, True])
def test_installed_decoder_answers(http: httpx.Client, stream: bool) -> None:
    assert "pocket:shortest" in [model["id"] for model in http.get("/v1/models").json()["data"]]
    decoding = {"num_samples": 5, "temperature": 1, "seed": 1}
    body = chat(model="pocket:shortest", decoding=decoding, stream=stream)
    reply = http.post(CHAT, json=body)
    assert reply.status_code == httpx.codes.OK, reply.text
    chunks = [line for line in reply.text.splitlines() if line.startswith("data: {")]
    report = json.loads(chunks[-1].removeprefix("data: ") if stream else reply.text)["decoding"]
    lengths = [c["num_tokens"] for c in report["candidates"] if c["dropped"] is None]
    assert report["strategy"] == "shortest"
    assert report["candidates"][report["selected"]]["num_tokens"] == min(lengths)


@pytest.mark.parametrize(("verifier", "reason"), [("slow", "timed_out"), ("raising", "failed")])
def test_verifier_that_does_not_answer_is_told(
    http: httpx.Client, verifier: str, reason: str
) -> None:
    report = report_of(http, verifier)
    assert report["unscored"] == {reason: len(complete(report))}


def test_all_verifiers_are_named_to_whom_asks_for_another(http: httpx.Client) -> None:
    reply = http.post(CHAT, json=chat(decoding={**BEST, "verifier": "nope"}))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    listed = '"equations", "http", "longest", "raising", "self_judge", "slow"'
    assert listed in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("decoding", "param"),
    [
        ({"strategy": "deepconf"}, "decoding.strategy"),
        ({**BEST, "verifier": "self_judge"}, "decoding.verifier"),
        ({"strategy": "cot_decoding"}, "decoding.k"),
    ],
)
def test_more_log_probabilities_than_the_server_gives_are_a_400(
    http: httpx.Client, decoding: Json, param: str
) -> None:
    reply = http.post(CHAT, json=chat(decoding=decoding))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == param
    assert "--max-logprobs is 4" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("entry_points", "environment", "says"),
    [
        ("[winnow.verifiers]\nmine = grading:Missing\n", {}, "'mine' (grading:Missing)"),
        ("[winnow.verifiers]\nmine = asyncio:Lock\n", {}, "no score() or no needs_question"),
        ("[winnow.verifiers]\nequations = grading:Longest\n", {}, "two installed packages"),
        ("", {"WINNOW_VERIFIER_URL": "nowhere"}, "WINNOW_VERIFIER_URL"),
        ("", {"WINNOW_MAX_PATHS": "many"}, "WINNOW_MAX_PATHS"),
        ("", {"WINNOW_MEMORY_VERIFIERS": '["http"]'}, "WINNOW_MEMORY_VERIFIERS names 'http'"),
        ("", {"WINNOW_MEMORY_AGREEMENT": "0.4"}, "WINNOW_MEMORY_AGREEMENT"),
    ],
)
def test_what_the_operator_got_wrong_is_one_line_before_anything_starts(
    tmp_path: Path, entry_points: str, environment: dict[str, str], says: str
) -> None:
    # What the module's server was given would show here as well.
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("WINNOW_")}
    python_path = {"PYTHONPATH": str(install(tmp_path, entry_points))}
    finished = subprocess.run(
        [WINNOW, "serve", "pocket"],
        env={**inherited, **python_path, **environment},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
    )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("winnow: error: ")
    assert says in line


@pytest.mark.parametrize(
    "body",
    [{}, [], "1", {"score": "1"}, {"score": True}, {"data": []}, {"data": [{"data": [1, 2]}]}],
    ids=repr,
)
def test_reply_of_the_endpoint_without_a_score_is_an_error(body: object) -> None:
    with pytest.raises(ValueError, match="score"):
        _read_score(body)


def test_both_forms_of_a_score_are_read() -> None:
    assert _read_score({"score": 2}) == 2.0
    assert _read_score({"data": [{"data": [-0.5]}]}) == -0.5
