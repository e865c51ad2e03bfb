import math

import pytest

from decoding.answers import Answer
from decoding.confidence import answer_confidence, tokens_of_span
from decoding.engine import DecodedText, Ranked
from decoding.path import Path, top_two_gap


def ranked(*probabilities: float) -> Ranked:
    return tuple((i, math.log(p)) for i, p in enumerate(probabilities))


def test_gap_of_a_lone_token_is_its_probability() -> None:
    assert top_two_gap(ranked(0.9)) == pytest.approx(0.9)
    assert top_two_gap(ranked(0.6, 0.3, 0.1)) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("start", "end", "tokens"),
    [
        (0, 2, range(0, 1)),
        (2, 4, range(1, 2)),  # inside " 42"
        (5, 6, range(2, 3)),
        (3, 6, range(1, 3)),  # across a seam
        (0, 6, range(0, 3)),
    ],
)
def test_span_maps_to_the_tokens_it_overlaps(start: int, end: int, tokens: range) -> None:
    assert tokens_of_span((2, 5, 6), start, end) == tokens


def test_first_bytes_of_a_character_belong_to_its_span_and_an_end_token_does_not() -> None:
    # "a८" in four tokens and an end token: a, two bytes that show nothing, the third shows ८.
    assert tokens_of_span((1, 1, 1, 2, 2), 1, 2) == range(1, 4)


def test_confidence_is_the_mean_gap_of_the_answers_tokens() -> None:
    path = Path(
        token_ids=(0, 1, 2),
        ranked=(ranked(1.0), ranked(0.9, 0.1), ranked(0.7, 0.3)),
        decoded=DecodedText("is 42", (2, 4, 5)),
        finish_reason="stop",
    )
    # gaps 0.8 and 0.4
    assert answer_confidence(path, Answer("42", 3, 5)) == pytest.approx(0.6)


def test_confidence_without_log_probabilities_is_refused() -> None:
    path = Path((0,), (), DecodedText("8", (1,)), "stop")
    with pytest.raises(ValueError, match="no log-probabilities"):
        answer_confidence(path, Answer("8", 0, 1))
