"""Perplexity, divergence and agreement against values worked out by hand."""

import math

import numpy as np
import pytest

from compression.proof.divergence import Scores, compare, divergence, perplexity


def logs(**probabilities: float) -> dict[int, float]:
    """By token, written t1=0.5: the logarithm."""
    return {int(name[1:]): math.log(value) for name, value in probabilities.items()}


def scores(*rows: list[tuple[int, float]]) -> Scores:
    """Rows of (token, probability): the text's own token first, then the likeliest."""
    ids = np.array([[token for token, _ in row] for row in rows], np.int32)
    probabilities = np.array([[value for _, value in row] for row in rows], np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Scores(ids, np.log(probabilities))


def test_perplexity_is_the_inverse_geometric_mean_of_the_texts_tokens() -> None:
    """Tokens of probability 1/2, 1/4 and 1/8: (2 · 4 · 8)^(1/3) = 4."""
    rows = [[(7, p), (1, 0.5)] for p in (0.5, 0.25, 0.125)]
    assert perplexity(scores(*rows)) == pytest.approx(4.0)


def test_whole_vocabulary_gives_the_full_divergence() -> None:
    """1/2 · ln(1/2 / 1/4) + 1/2 · ln(1/2 / 3/4) = ln 2 / 2 − ln 1.5 / 2 = ln(4/3) / 2."""
    found = divergence(logs(t1=0.5, t2=0.5), logs(t1=0.25, t2=0.75))
    assert found.kl == pytest.approx(0.5 * math.log(4 / 3), abs=1e-6)
    assert found.covered == pytest.approx(1.0)


def test_tail_is_compared_as_one() -> None:
    """p: 0.6, 0.2 and a rest of 0.2; q: 0.4, 0.4 and a rest of 0.2."""
    found = divergence(logs(t1=0.6, t2=0.2), logs(t1=0.4, t2=0.4))
    by_hand = 0.6 * math.log(1.5) + 0.2 * math.log(0.5) + 0.2 * math.log(1.0)
    assert found.kl == pytest.approx(by_hand)
    assert found.covered == pytest.approx(0.8)


def test_token_that_only_one_side_gave_belongs_to_the_tail() -> None:
    """Token 1 alone is in both: p is 0.6 and a rest of 0.4, q is 0.3 and a rest of 0.7."""
    found = divergence(logs(t1=0.6, t2=0.3), logs(t1=0.3, t3=0.5))
    assert found.kl == pytest.approx(0.6 * math.log(2) + 0.4 * math.log(0.4 / 0.7))
    assert found.covered == pytest.approx(0.6)


def test_lumping_never_exceeds_the_full_divergence() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        p, q = (rng.dirichlet(np.full(30, 0.3)) + 1e-9 for _ in range(2))
        p, q = p / p.sum(), q / q.sum()
        full = float(np.sum(p * np.log(p / q)))
        tops = [np.argsort(-one)[:8] for one in (p, q)]
        found = divergence(*({int(t): math.log(one[t]) for t in top}
                             for one, top in zip((p, q), tops, strict=True)))  # fmt: skip
        assert -1e-6 <= found.kl <= full + 1e-6


def test_a_distribution_is_no_way_from_itself() -> None:
    p = logs(t1=0.7, t2=0.2)
    assert divergence(p, p).kl == 0.0


def test_rest_that_rounding_made_negative_is_none() -> None:
    p = {1: math.log(0.5), 2: math.log(0.5 + 1e-6)}
    assert divergence(p, p).kl == pytest.approx(0.0, abs=1e-9)


def test_token_impossible_for_the_original_adds_nothing() -> None:
    found = divergence({1: 0.0, 2: -math.inf}, logs(t1=0.5, t2=0.5))
    assert found.kl == pytest.approx(math.log(2), abs=1e-5)


def test_comparison_is_the_mean_over_tokens() -> None:
    """The first position: likeliest tokens differ; of the second both sides say the same."""
    own = [(1, 0.25), (1, 0.25), (2, 0.75)]
    original = scores([(1, 0.5), (1, 0.5), (2, 0.5)], own)
    compressed = scores([(1, 0.25), (2, 0.75), (1, 0.25)], own)
    found = compare(original, compressed)
    first = 0.5 * math.log(4 / 3)
    assert found.top_k == 2
    assert found.kl_mean == pytest.approx(first / 2, abs=1e-6)
    assert found.kl_p99 == pytest.approx(0.99 * first, abs=1e-6)
    assert found.top1_agreement == 0.5
    assert found.covered == pytest.approx(1.0)


def test_no_numbers_and_impossible_texts_are_broken() -> None:
    sound = [(1, 0.5), (1, 0.5), (2, 0.0)]
    assert scores(sound).num_broken == 0
    assert scores(sound, [(1, 0.0), (2, 1.0), (3, 0.0)]).num_broken == 1
    assert scores(sound, [(1, 0.5), (2, math.nan), (3, 0.5)]).num_broken == 1
