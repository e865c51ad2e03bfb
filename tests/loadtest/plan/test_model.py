"""The formulas of the model against numbers worked out by hand."""

import math
from dataclasses import replace

import pytest

from loadtest.plan.model import Costs, DoesNotFit, Replica, closed_form_ms, longest_path
from loadtest.plan.question import Lengths, question_of

COSTS = Costs(step_s=0.010, sequence_s=0.001, prompt_token_s=0.0001, path_s=0.002, request_s=0.005)
REPLICA = Replica(COSTS, max_num_seqs=8, kv_tokens=None, max_num_batched_tokens=2048)
EVEN = Lengths(prompt_tokens=100, path_tokens=20, deviation=0, block_size=16)


def test_step_costs_its_fixed_part_and_a_share_for_each_sequence() -> None:
    assert COSTS.decode_s(0) == 0.010
    assert COSTS.decode_s(8) == pytest.approx(0.018)


def test_arithmetic_bounds_large_batches() -> None:
    """max(10 + b, 3·b) ms: 13 ms of 3 sequences, 24 ms of 8."""
    bounded = replace(COSTS, compute_s=0.003)
    assert bounded.decode_s(3) == pytest.approx(0.013)
    assert bounded.decode_s(8) == pytest.approx(0.024)


def test_capacity_of_plain_questions() -> None:
    """20 tokens at (10 + 8)/8 ms, 100 prompt tokens at 0.1, a path 2, a question 5: 62 ms."""
    question = question_of("plain", 1, EVEN)
    assert REPLICA.capacity(question) == pytest.approx(1 / 0.062)


def test_capacity_of_a_vote() -> None:
    """4 · 20 tokens at 2.25 ms = 180; 100 + 3·8.5 = 125.5 tokens = 12.55; 4 paths = 8; 5."""
    question = question_of("majority_vote", 4, EVEN)
    assert REPLICA.capacity(question) == pytest.approx(1 / 0.20555)


def test_api_server_can_be_the_narrower_one() -> None:
    """10 ms and 4 · 60 ms are more than 205.55 ms."""
    question = question_of("majority_vote", 4, EVEN)
    slow = replace(REPLICA, costs=replace(COSTS, api_request_s=0.010, api_path_s=0.060))
    assert slow.capacity(question) == pytest.approx(1 / 0.250)
    assert slow.engine_capacity(question) == pytest.approx(1 / 0.20555)


def test_log_probabilities_make_the_steps_of_their_readers_longer() -> None:
    scored = replace(COSTS, scored_step_s=0.002)
    assert scored.of("cot_decoding").step_s == pytest.approx(0.012)
    assert scored.of("deepconf").step_s == pytest.approx(0.012)
    assert scored.of("majority_vote").step_s == pytest.approx(0.010)


def test_kv_cache_bounds_the_sequences() -> None:
    """A path of a vote of 4 holds 100/4 of the prompt, 8.5 of its tail and 20 of its own: 53.5, so
    that 214 tokens have room for 4."""
    question = question_of("majority_vote", 4, EVEN)
    assert replace(REPLICA, kv_tokens=214).slots(question) == pytest.approx(4)
    assert replace(REPLICA, kv_tokens=1e6).slots(question) == 8


def test_cache_that_holds_no_path_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="room for 120 tokens, and one path needs 128"):
        replace(REPLICA, kv_tokens=120).slots(question_of("majority_vote", 4, EVEN))


def test_latency_of_a_question_alone_is_its_own_time() -> None:
    """Admission 12.55 + 8 + 5 ms, 20 steps of 10 + 4 ms, and 7 ms of delay: 312.55 ms."""
    question = question_of("majority_vote", 4, EVEN)
    delayed = replace(REPLICA, costs=replace(COSTS, delay_s=0.007))
    for percentile in (50, 99):
        assert closed_form_ms(delayed, question, 0.0, percentile) == pytest.approx(312.55)


def test_latency_under_load_by_hand() -> None:
    """λ = 5/s: u = 5 · (10 + 2 + 5) ms = 0.085, λN = 100/s; b = 100 · 0.01 / (1 − 0.085 − 0.1) =
    1.22699; T' = (10 + 2.22699) / 0.915 = 13.3628 ms; 20 · T' + 17 / 0.915 = 285.84 ms. Of 8 places
    at λ/X = 0.31 the 2.48 that are busy keep 1 % waiting no longer than 0 ms."""
    question = question_of("plain", 1, EVEN)
    assert closed_form_ms(REPLICA, question, 5.0, 99) == pytest.approx(285.84, abs=0.05)


def test_wait_for_the_one_place_by_hand() -> None:
    """One sequence of one token of 20 ms at 35/s: load 0.7, and of M/D/1 the 99 % quantile is
    about ln(0.7 / 0.01) · 20 / (2 · 0.3) = 141.6 ms, on top of 20 ms of service."""
    costs = Costs(step_s=0.020, sequence_s=0.0, prompt_token_s=0.0)
    one = Replica(costs, max_num_seqs=1, kv_tokens=None, max_num_batched_tokens=2048)
    question = question_of("plain", 1, replace(EVEN, path_tokens=1))
    assert closed_form_ms(one, question, 35, 99) == pytest.approx(161.6, abs=0.1)


def test_latency_grows_with_the_rate_and_has_no_bound_at_capacity() -> None:
    question = question_of("cot_decoding", 4, EVEN)
    capacity = REPLICA.capacity(question)
    latencies = [
        closed_form_ms(REPLICA, question, share * capacity, 99) for share in (0, 0.3, 0.6, 0.9)
    ]
    assert latencies == sorted(latencies)
    assert len(set(latencies)) == 4
    assert closed_form_ms(REPLICA, question, capacity, 99) == math.inf


def test_longest_of_even_paths_is_any_of_them() -> None:
    stage = question_of("majority_vote", 16, EVEN).stages[0]
    assert longest_path(stage, 0.99) == 20


def test_longest_of_exponential_paths_is_the_harmonic_sum() -> None:
    """With deviation = mean the gamma law is exponential: the mean of the longest of 4 is
    mean · (1 + 1/2 + 1/3 + 1/4) = 208.33 tokens, its median −100 · ln(1 − 0.5^(1/4)) = 183.9."""
    spread = replace(EVEN, path_tokens=100, deviation=100)
    stage = question_of("majority_vote", 4, spread).stages[0]
    assert longest_path(stage, 0.5) == pytest.approx(183.9, rel=0.03)
