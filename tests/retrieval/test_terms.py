import math

import pytest

from retrieval.material import Frequencies
from retrieval.terms import similarity, telling_terms, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The markets", ["market"]),
        ("Café, NAÏVE snake_case", ["cafe", "naiv", "snake", "case"]),
        ("12 + 3.5", ["12", "3", "5"]),
        ("Straße", ["strass"]),
        ("鸭子 🦆", ["鸭子"]),
        ('"; DROP TABLE x', ["drop", "tabl", "x"]),
        ("", []),
        ("x" * 100, ["x" * 64]),
    ],
)
def test_terms_are_folded_and_stemmed(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_rare_terms_tell_most() -> None:
    frequencies = Frequencies(100, {"the": 90, "boat": 3, "red": 10})
    assert telling_terms(["the", "red", "boat", "moon", "red"], frequencies) == [
        "boat",
        "red",
        "the",
    ]
    many = Frequencies(100, {str(i): i for i in range(1, 60)})
    assert telling_terms([str(i) for i in range(59, 0, -1)], many) == [str(i) for i in range(1, 33)]


def test_similarity_is_the_cosine_of_weighted_terms() -> None:
    """Three records: idf of a term in one of them ln(4 / 2) + 1 = 1.693, in all ln(4 / 4) + 1 = 1.
    (the, boat) · (the, car) = 1; norms √(1 + 1.693²) each."""
    frequencies = Frequencies(3, {"the": 3, "boat": 1, "car": 1})
    rare = 1 + math.log(2)
    expected = 1 / (1 + rare**2)
    assert similarity(["the", "boat"], ["the", "car"], frequencies) == pytest.approx(expected)
    assert similarity(["boat"], ["boat"], frequencies) == pytest.approx(1)
    assert similarity(["boat"], ["car"], frequencies) == 0
    assert similarity([], ["car"], frequencies) == 0


def test_repetition_weighs_by_its_logarithm() -> None:
    frequencies = Frequencies(1, {"a": 1, "b": 1})
    tf = 1 + math.log(2)
    expected = tf / math.hypot(tf, 1)
    assert similarity(["a"], ["a", "a", "b"], frequencies) == pytest.approx(expected)
