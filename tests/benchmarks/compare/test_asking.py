"""What peers send, and how their replies are judged, against a server that a test scripts."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.compare.openai_calls import openai_calls
from benchmarks.compare.peer import Peer, Running, Setting
from benchmarks.compare.served import vllm_peers, winnow_peers
from evaluation.eval_set import Problem
from loadtest.request_bodies import MAX_TOKENS
from measurement.server_process import Program, Server
from tests.benchmarks.compare.stand_ins import a_setting
from tests.evaluation.stub_server import Answer, Json, Stub, running_stub

NUM_SAMPLES = 3
PROBLEMS = [Problem("a", "s", "What is 7?", 7), Problem("b", "s", "What is 8?", 8)]
FINISHED, CUT_OFF = "stop", "length"
PROGRAMS: tuple[Program, ...] = ("winnow", "vllm")


def reply(*samples: tuple[str, str], **fields: object) -> Answer:
    """A completion of samples, each a text and how it ended; 10 tokens."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": finish_reason,
        }
        for index, (text, finish_reason) in enumerate(samples)
    ]
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}
    about = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return Answer({**about, "choices": choices, "usage": usage, **fields})


def setting(folder: Path, stub: Stub) -> Setting:
    """Both servers are the stub."""
    servers = Running(ExitStack())
    for program in PROGRAMS:
        servers.once(program, lambda: nullcontext(Server(stub.url, "m")))
    return replace(a_setting(folder), servers=servers, num_samples=NUM_SAMPLES, concurrency=1)


def peers_by_key() -> dict[str, Peer]:
    peers = (
        *winnow_peers(10, NUM_SAMPLES),
        *vllm_peers(NUM_SAMPLES),
        openai_calls(NUM_SAMPLES),
    )
    return {peer.label.key: peer for peer in peers}


ALL = tuple(peers_by_key())


def seven(body: Json, _num_before: int) -> Answer:
    """Always 7, by as many samples as are asked for."""
    samples = [("It is 7.", FINISHED)] * body.get("n", 1)
    return reply(*samples, decoding={"answer": "7"}) if "decoding" in body else reply(*samples)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(seven) as running:
        yield running


@pytest.mark.parametrize("key", ALL)
def test_right_is_told_question_by_question(key: str, tmp_path: Path, stub: Stub) -> None:
    round_ = peers_by_key()[key].prepare(setting(tmp_path, stub))(PROBLEMS)
    assert round_.right == (True, False)
    calls = NUM_SAMPLES if key == "vllm-calls" else 1
    assert round_.num_tokens == 2 * calls * 10
    assert round_.num_questions == 2


@pytest.mark.parametrize("key", ALL)
def test_all_ask_with_the_same_limit_and_temperature(key: str, tmp_path: Path, stub: Stub) -> None:
    peer = peers_by_key()[key]
    peer.prepare(setting(tmp_path, stub))(PROBLEMS)
    temperature = 1 if peer.label.task == "vote" else 0
    assert {(body["max_tokens"], body["temperature"]) for body in stub.asked} == {
        (MAX_TOKENS, temperature)
    }


@pytest.mark.parametrize("key", ALL)
def test_each_round_has_a_salt_of_its_own(key: str, tmp_path: Path, stub: Stub) -> None:
    run = peers_by_key()[key].prepare(setting(tmp_path, stub))
    salts: list[set[str]] = []
    for _ in range(2):
        begin = len(stub.asked)
        run(PROBLEMS)
        salts.append({body["cache_salt"] for body in stub.asked[begin:]})
    assert [len(salt) for salt in salts] == [1, 1]
    assert salts[0] != salts[1]


def decodings(stub: Stub) -> Sequence[object]:
    return [body.get("decoding") for body in stub.asked]


def test_votes_of_winnow_differ_in_when_they_stop(tmp_path: Path, stub: Stub) -> None:
    fields = {"strategy": "majority_vote", "num_samples": NUM_SAMPLES, "answer": "number"}
    for key, more in (
        ("winnow-vote", {}),
        ("winnow-vote-as-needed", {"launch": "as_needed"}),
        ("winnow-vote-all", {"stop": "none"}),
    ):
        stub.asked.clear()
        peers_by_key()[key].prepare(setting(tmp_path, stub))(PROBLEMS[:1])
        assert decodings(stub) == [fields | more]


@pytest.mark.parametrize("key", ["vllm-n", "vllm-calls"])
def test_client_counts_the_finished_samples(key: str, tmp_path: Path) -> None:
    """Two that were cut off say 8, one that came to its end says 7."""
    samples = [("So 8", CUT_OFF), ("It is 7.", FINISHED), ("So 8", CUT_OFF)]

    def script(body: Json, num_before: int) -> Answer:
        return reply(*samples) if "n" in body else reply(samples[num_before])

    with running_stub(script) as stub:
        round_ = peers_by_key()[key].prepare(setting(tmp_path, stub))(PROBLEMS[:1])
    assert round_.right == (True,)
