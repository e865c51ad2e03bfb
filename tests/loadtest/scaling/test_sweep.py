"""What is asked and what is made of the replies, on a server that says what a test says."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from evaluation.eval_set import Problem
from loadtest.scaling.closed_loop import Ended, Window
from loadtest.scaling.measured import Point
from loadtest.scaling.sweep import (
    Grid,
    Setting,
    body_of,
    in_turns,
    measure,
    middle_points,
    summarize,
)
from measurement.server_process import Server
from tests.evaluation.stub_server import Answer, Script, failure, running_stub
from tests.loadtest.scaling.points import at

PROBLEMS = [Problem(str(n), "s", f"How many is {n}?", n) for n in range(20)]
GRID = Grid(
    strategies=("plain", "cot_decoding", "majority_vote"),
    concurrencies=(1, 256),
    branches=(1, 8),
    prompt_words=(50,),
    concurrency=4,
    k=10,
    num_samples=16,
)


def reply(body: dict[str, Any], num_tokens: int) -> Answer:
    number = body["messages"][-1]["content"].split()[-1].rstrip("?")
    message = {"content": f"It is {number}."}
    return Answer(
        {
            "choices": [{"message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 30, "completion_tokens": num_tokens},
        }
    )


async def points_of(script: Script, *settings: Setting, most_s: float = 10.0) -> list[Point]:
    with running_stub(script) as stub:
        server = Server(stub.url, "stub")
        measured = measure(server, "sk-test", PROBLEMS, settings, 0.3, most_s, 64)
        return [point async for point in measured]


def test_grid_has_every_decoder_and_no_vote_of_one() -> None:
    settings = GRID.settings()
    shown = [(s.sweep, s.strategy, s.branches, s.concurrency) for s in settings]
    assert shown == [
        ("concurrency", "plain", 1, 1),
        ("concurrency", "plain", 1, 256),
        ("concurrency", "cot_decoding", 10, 1),
        ("concurrency", "cot_decoding", 10, 256),
        ("concurrency", "majority_vote", 16, 1),
        ("concurrency", "majority_vote", 16, 256),
        ("branches", "cot_decoding", 1, 4),
        ("branches", "cot_decoding", 8, 4),
        ("branches", "majority_vote", 8, 4),
        ("prompt", "plain", 1, 4),
    ]


def body(sweep: Any, strategy: str, branches: int, num_words: int = 0) -> dict[str, Any]:
    return body_of("m", PROBLEMS, 3, Setting(sweep, strategy, branches, 4, num_words), 64)


def test_bodies_are_what_the_decoders_take() -> None:
    assert "decoding" not in body("concurrency", "plain", 1)
    assert body("branches", "cot_decoding", 7)["decoding"]["k"] == 7
    stopped = body("concurrency", "majority_vote", 16)["decoding"]
    assert (stopped["num_samples"], "stop" in stopped) == (16, False)
    assert body("branches", "majority_vote", 16)["decoding"]["stop"] == "none"


def test_long_prompt_has_other_questions_in_front_and_few_tokens_behind() -> None:
    asked = body("prompt", "plain", 1, num_words=50)
    system, user = asked["messages"]
    assert len(system["content"].split()) == 50
    assert user["content"] == "How many is 3?"
    assert (asked["max_tokens"], asked["ignore_eos"]) == (8, True)


def ended(problem: int, latency_s: float, said: int, failure: str | None = None) -> Ended:
    asked = {"messages": [{"content": f"How many is {said}?"}]}
    body = json.dumps(reply(asked, 12).body).encode() if failure is None else b""
    return Ended(problem, 5.0, 5.0 + latency_s, body, failure)


def test_point_is_what_ended_in_its_window() -> None:
    """Problems 0 to 3, the last answered wrongly, in 100, 200, 300 and 1000 ms, and two failures:
    of 2 s. The median is between 200 and 300, the mean 400."""
    window = Window(
        2.0,
        (
            *(ended(0, 0.1, 0), ended(1, 0.2, 1), ended(2, 0.3, 2), ended(3, 1.0, 7)),
            *(ended(4, 0.1, 4, "503"), ended(5, 0.1, 5, "503")),
        ),
        engine=None,
        memory_mb=100.0,
        processor_time=None,
    )
    point = summarize(Setting("concurrency", "plain", 1, 2), PROBLEMS, window)
    assert (point.num_answered, point.num_right, point.failures) == (4, 3, {"503": 2})
    assert (point.questions_per_s, point.right_per_s, point.tokens_per_s) == (2, 1.5, 24)
    assert point.latency is not None
    assert (point.latency.mean_ms, point.latency.p50_ms) == pytest.approx((400, 250))
    # The 99th percentile of 4 lies at 0.99 · 3 = 2.97 of their order: 300 + 0.97 · 700.
    assert point.latency.p99_ms == pytest.approx(979)
    assert point.work is not None
    assert (point.work.prompt_tokens, point.work.path_tokens) == (30, 12)


async def test_window_is_long_enough_and_full_of_clients() -> None:
    (point,) = await points_of(
        lambda asked, _num_before: reply(asked, 12), Setting("concurrency", "plain", 1, 2)
    )
    assert point.failures == {}
    assert point.num_right == point.num_answered >= 2
    assert point.seconds >= 0.3
    assert point.latency is not None
    # Little: clients = questions/s × latency, but for what the generator takes between two.
    assert 1 < point.questions_per_s * point.latency.mean_ms / 1000 < 3
    assert (point.engine, point.memory_mb) == (None, None)


async def test_paths_are_those_of_the_report() -> None:
    """Paths of 6 and 24 tokens: mean 15, deviation 9, longest 24."""

    def script(asked: dict[str, Any], _num_before: int) -> Answer:
        candidates = [{"num_tokens": 6}, {"num_tokens": 24}]
        whole = reply(asked, 30).body
        return Answer(whole | {"decoding": {"answer": "1", "candidates": candidates}})

    (point,) = await points_of(script, Setting("branches", "cot_decoding", 2, 1))
    assert point.work is not None
    assert point.work.path_tokens == 15
    assert point.work.path_tokens_deviation == 9
    assert point.work.longest_path_tokens == 24
    assert point.work.generated_tokens == 30


async def test_failures_are_counted_and_the_rest_goes_on() -> None:
    def script(asked: dict[str, Any], _num_before: int) -> Answer:
        number = int(asked["messages"][-1]["content"].split()[-1].rstrip("?"))
        if number % 4 == 1:
            return failure(503, "too many")
        return Answer({}, None) if number % 4 == 3 else reply(asked, 9)

    (point,) = await points_of(script, Setting("concurrency", "plain", 1, 8))
    assert set(point.failures) == {"503", "ServerDisconnectedError"}
    assert point.num_answered > 0
    assert point.num_right == point.num_answered


async def test_server_that_answers_nothing_is_a_point_without_latency() -> None:
    refuse: Script = lambda _asked, _num_before: failure(500, "broken")  # noqa: E731
    (point,) = await points_of(refuse, Setting("concurrency", "plain", 1, 2))
    assert (point.num_answered, point.latency, point.work) == (0, None, None)
    assert point.failures["500"] > 2


async def test_no_two_questions_share_a_cache_and_the_key_is_sent() -> None:
    seen: list[str] = []

    def script(asked: dict[str, Any], _num_before: int) -> Answer:
        seen.append(asked["cache_salt"])
        return reply(asked, 5)

    with running_stub(script) as stub:
        setting: Sequence[Setting] = [Setting("concurrency", "plain", 1, 2)]
        server = Server(stub.url, "stub")
        [_ async for _ in measure(server, "sk-test", PROBLEMS, setting, 0.2, 5.0, 64)]
        assert stub.keys == {"Bearer sk-test"}
        assert json.dumps(stub.asked[0])
    assert len(seen) > len(PROBLEMS)
    assert len(set(seen)) == len(seen)


ONE, TWO = (Setting("concurrency", "plain", 1, clients) for clients in (1, 2))


def test_every_other_round_goes_backwards() -> None:
    assert in_turns([ONE, TWO], 3) == [ONE, TWO, TWO, ONE, ONE, TWO]


def test_the_round_of_median_throughput_is_kept_and_of_two_the_slower() -> None:
    of_one = [at(1, speed) for speed in (9, 5, 7)]
    of_two = [at(2, speed) for speed in (8, 6)]
    assert middle_points({ONE: of_one, TWO: of_two}) == [of_one[2], of_two[1]]
    assert middle_points({ONE: of_one, TWO: []}) == [of_one[2]]
