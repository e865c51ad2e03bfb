"""What is summed up, on results worked out by hand."""

from typing import Any

import pytest

from evaluation.folder import Result
from evaluation.report import render_tables
from evaluation.summary import summarise


def result(question_id: str, decoder: str, is_right: bool, **fields: Any) -> Result:
    values = {
        "id": question_id,
        "decoder": decoder,
        "parameters": None,
        "gold": ("1",),
        "answer": "1" if is_right else "2",
        "is_right": is_right,
        "num_tokens": 10,
        "seconds": 1.0,
        "concurrency": 8,
    }
    return Result.model_validate(values | fields)


def failed(question_id: str, decoder: str) -> Result:
    fields = {"answer": None, "num_tokens": None, "seconds": None, "error": "status 500"}
    return result(question_id, decoder, False, **fields)


def test_decoder_is_judged_on_what_it_answered() -> None:
    (one,) = summarise(
        [
            result("a", "x", True, num_tokens=30, seconds=1.0),
            result("b", "x", False, num_tokens=10, seconds=3.0, answer=None, fallback="no vote"),
            failed("c", "x"),
        ]
    ).decoders
    assert (one.num_answered, one.num_errors, one.num_fallbacks) == (2, 1, 1)
    assert one.share is not None
    assert (one.share.num_right, one.share.num_total) == (1, 2)
    assert (one.mean_tokens, one.tokens_per_right_answer) == (20, 40)
    assert one.share_without_answer == 0.5
    assert (one.p50_s, one.p95_s) == pytest.approx((2.0, 2.9))


def test_nothing_measured_is_none_and_a_dash() -> None:
    summary = summarise([failed("a", "x"), result("a", "y", False, num_tokens=None)])
    x, y = summary.decoders
    assert (x.share, x.mean_tokens, x.p50_s, x.share_without_answer) == (None,) * 4
    assert (y.mean_tokens, y.tokens_per_right_answer) == (None, None)
    assert summary.pairs == ()
    row = next(line for line in render_tables(summary).splitlines() if line.startswith("x"))
    assert row.split() == ["x", "0", *"–––––––", "0", "1"]


def test_pairs_are_compared_on_the_questions_that_both_answered() -> None:
    """Of a, b, c, d only x has a and b right, only y has c; y did not answer e, nor x f."""
    rights = {"x": "abde", "y": "cd"}
    results = [
        *(result(q, "x", q in rights["x"]) for q in "abcde"),
        *(result(q, "y", q in rights["y"]) for q in "dcbaf"),
        failed("e", "y"),
    ]
    (pair,) = summarise(results).pairs
    assert (pair.a, pair.b) == ("x", "y")
    difference = pair.difference
    assert (difference.num_total, difference.num_only_a, difference.num_only_b) == (4, 2, 1)
    assert difference.value == 0.25


def test_every_two_decoders_are_compared_in_their_order() -> None:
    results = [result("a", decoder, True) for decoder in "zxy"]
    pairs = summarise(results).pairs
    assert [(pair.a, pair.b) for pair in pairs] == [("z", "x"), ("z", "y"), ("x", "y")]


def test_reliability_is_binned_by_confidence_or_else_by_agreement() -> None:
    """0.91 and 1.0 share the last bin, 0.15 is in the second; one has neither."""
    (one,) = summarise(
        [
            result("a", "x", True, confidence=0.91, agreement=0.2),
            result("b", "x", False, agreement=1.0),
            result("c", "x", False, confidence=0.15),
            result("d", "x", True),
        ]
    ).decoders
    low, high = one.reliability
    assert (low.mean_confidence, low.share.num_right, low.share.num_total) == (0.15, 0, 1)
    assert (high.share.num_right, high.share.num_total) == (1, 2)
    assert high.mean_confidence == pytest.approx(0.955)


def test_all_concurrencies_are_told() -> None:
    results = [result("a", "x", True, concurrency=8), result("b", "x", True, concurrency=2)]
    assert summarise(results).concurrencies == (2, 8)
