"""The simulator where its outcome is known exactly, or by queueing theory."""

from dataclasses import replace

import pytest

from loadtest.plan.model import Costs, Replica, closed_form_ms
from loadtest.plan.question import Lengths, question_of
from loadtest.plan.simulator import simulate_closed, simulate_open

COSTS = Costs(step_s=0.010, sequence_s=0.001, prompt_token_s=0.0001, path_s=0.002, request_s=0.005)
REPLICA = Replica(COSTS, max_num_seqs=8, kv_tokens=None, max_num_batched_tokens=2048)
EVEN = Lengths(prompt_tokens=100, path_tokens=20, deviation=0, block_size=16)
SPREAD = replace(EVEN, deviation=10)
RARE = 0.01
"""Questions/s: a question every 100 s, far from the next."""


def test_question_alone_takes_exactly_its_time() -> None:
    """20 steps of 14 ms, and 12.55 + 8 + 5 ms in the first (test_model.py)."""
    question = question_of("majority_vote", 4, EVEN)
    alone = simulate_closed(REPLICA, question, 1, 5, seed=0)
    assert alone.latencies_ms == pytest.approx([305.55] * 5)
    assert alone.questions_per_s == pytest.approx(1 / 0.30555)
    assert alone.busy == pytest.approx(1)
    assert alone.peak_running == 4


def test_stages_follow_one_another() -> None:
    """A probe: 10 + 1 + 10 + 2 + 5 = 28 ms; then 19 steps of 13 ms with 3 · (0.85 + 2) ms more in
    the first: 255.55 ms."""
    question = question_of("cot_decoding", 3, EVEN)
    alone = simulate_closed(REPLICA, question, 1, 3, seed=0)
    assert alone.latencies_ms == pytest.approx([283.55] * 3)


def test_api_server_and_delay_come_before_the_engine() -> None:
    """10 + 4 · 1 ms of the API server and 7 ms of delay."""
    costs = replace(COSTS, api_request_s=0.010, api_path_s=0.001, delay_s=0.007)
    question = question_of("majority_vote", 4, EVEN)
    alone = simulate_closed(replace(REPLICA, costs=costs), question, 1, 3, seed=0)
    assert alone.latencies_ms == pytest.approx([326.55] * 3)


def test_prompt_longer_than_a_step_takes_several() -> None:
    """100 tokens in steps of 40: two steps of 10 ms without a token, then 20 of 11; 17 ms more."""
    question = question_of("plain", 1, EVEN)
    chunked = replace(REPLICA, max_num_batched_tokens=40)
    alone = simulate_closed(chunked, question, 1, 3, seed=0)
    assert alone.latencies_ms == pytest.approx([20 + 220 + 17] * 3)


def test_more_paths_than_sequences_come_in_waves() -> None:
    """16 paths, 8 at a time: 2 · 20 steps of 18 ms; 100 + 15 · 8.5 tokens, 16 paths, a question."""
    question = question_of("majority_vote", 16, EVEN)
    alone = simulate_closed(REPLICA, question, 1, 2, seed=0)
    assert alone.latencies_ms == pytest.approx([720 + 22.75 + 32 + 5] * 2)
    assert alone.peak_running == 8


def test_kv_cache_holds_paths_back() -> None:
    """The prompt once and two paths fit: 100 + 2 · 28.5 = 157 tokens, so that a vote of 4 runs two
    at a time: 2 · 20 steps of 12 ms."""
    question = question_of("majority_vote", 4, EVEN)
    alone = simulate_closed(replace(REPLICA, kv_tokens=158), question, 1, 2, seed=0)
    assert alone.latencies_ms == pytest.approx([480 + 12.55 + 8 + 5] * 2)
    assert alone.peak_running == 2


def test_far_below_capacity_nobody_waits() -> None:
    question = question_of("majority_vote", 4, EVEN)
    rare = simulate_open(REPLICA, question, RARE, 50, seed=1)
    assert rare.percentile_ms(99) == pytest.approx(305.55)
    assert rare.percentile_ms(99) == pytest.approx(
        closed_form_ms(REPLICA, question, RARE, 99), 0.01
    )
    assert rare.questions_per_s == pytest.approx(RARE, rel=0.4)


@pytest.mark.parametrize(("strategy", "branches"), [("plain", 1), ("majority_vote", 4)])
def test_above_capacity_throughput_is_capacity(strategy: str, branches: int) -> None:
    question = question_of(strategy, branches, SPREAD)
    capacity = REPLICA.capacity(question)
    overloaded = simulate_open(REPLICA, question, 3 * capacity, 1500, seed=2)
    assert overloaded.questions_per_s == pytest.approx(capacity, rel=0.04)
    assert overloaded.busy > 0.99
    crowded = simulate_closed(REPLICA, question, 64, 1500, seed=2)
    assert crowded.questions_per_s == pytest.approx(capacity, rel=0.04)


def test_one_place_of_even_service_waits_as_m_d_1() -> None:
    """One sequence of one token: service of s = 20 ms, load 0.7, and by Pollaczek and Khinchine a
    mean wait of 0.7 · 20 / (2 · 0.3) = 23.33 ms."""
    costs = Costs(step_s=0.020, sequence_s=0.0, prompt_token_s=0.0)
    one = Replica(costs, max_num_seqs=1, kv_tokens=None, max_num_batched_tokens=2048)
    question = question_of("plain", 1, replace(EVEN, path_tokens=1))
    queue = simulate_open(one, question, 0.7 / 0.020, 60_000, seed=3)
    mean_ms = sum(queue.latencies_ms) / len(queue.latencies_ms)
    assert mean_ms == pytest.approx(20 + 23.33, rel=0.03)
    assert queue.busy == pytest.approx(0.7, rel=0.03)


def test_api_server_waits_as_m_d_1_before_an_engine_that_costs_nothing() -> None:
    costs = Costs(step_s=1e-9, sequence_s=0.0, prompt_token_s=0.0, api_request_s=0.020)
    fast = Replica(costs, max_num_seqs=8, kv_tokens=None, max_num_batched_tokens=2048)
    question = question_of("plain", 1, EVEN)
    queue = simulate_open(fast, question, 0.5 / 0.020, 60_000, seed=4)
    mean_ms = sum(queue.latencies_ms) / len(queue.latencies_ms)
    assert mean_ms == pytest.approx(20 + 10, rel=0.03)


def test_same_seed_same_outcome() -> None:
    question = question_of("cot_decoding", 5, SPREAD)
    rate = 0.7 * REPLICA.capacity(question)
    first, again, other = (simulate_open(REPLICA, question, rate, 300, seed=s) for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_latency_grows_with_load() -> None:
    question = question_of("majority_vote", 4, SPREAD)
    capacity = REPLICA.capacity(question)
    p99 = [
        simulate_open(REPLICA, question, share * capacity, 1000, seed=7).percentile_ms(99)
        for share in (0.1, 0.5, 0.8, 0.95)
    ]
    assert p99 == sorted(p99)
