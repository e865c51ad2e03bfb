import math

import pytest

from compression.proof.figures import Spread
from compression.proof.statistics import compare_paired, ratio_spread, spread


def test_spread_is_median_least_and_most() -> None:
    assert spread([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_ratio_is_of_pairs_and_not_of_medians() -> None:
    """Pairs 2/1, 2/4, 9/3 give 2, 0.5, 3; the ratio of medians would be 2/3."""
    assert ratio_spread([2.0, 2.0, 9.0], [1.0, 4.0, 3.0]) == Spread(2.0, 0.5, 3.0)


def test_change_by_hand() -> None:
    """Of 10 questions 3 are lost and 1 is won. Bonett & Price: shares (3 + 1) / 12 and (1 + 1) /
    12, centre −1/6, reach z · √((1/2 − 1/36) / 12). McNemar: 2 · (1 + 4) / 16."""
    original = [True] * 6 + [False] * 4
    compressed = [True] * 3 + [False] * 3 + [True] + [False] * 3
    change = compare_paired(original, compressed)
    assert (change.num_total, change.num_only_original, change.num_only_compressed) == (10, 3, 1)
    assert change.value == pytest.approx(-0.2)
    reach = 1.959964 * math.sqrt((1 / 2 - 1 / 36) / 12)
    assert (change.low, change.high) == pytest.approx((-1 / 6 - reach, -1 / 6 + reach))
    assert change.p_value == pytest.approx(0.625)


def test_no_disagreement_is_no_evidence() -> None:
    change = compare_paired([True, False], [True, False])
    assert (change.value, change.p_value) == (0.0, 1.0)
    assert change.low < 0 < change.high


@pytest.mark.parametrize(("a", "b"), [([], []), ([True], [True, False])])
def test_questions_must_be_there_and_the_same(a: list[bool], b: list[bool]) -> None:
    with pytest.raises(ValueError, match=r"no question|zip"):
        compare_paired(a, b)
