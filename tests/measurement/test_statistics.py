import pytest

from measurement.statistics import compare_paired, mcnemar_p, paired_ratio, wilson_share


def test_wilson_interval_of_a_half() -> None:
    # z² = 3.84146: centre (0.5 + 3.84146/200) / (1 + 3.84146/100) = 0.5, and
    # spread 1.959964 · √(0.25/100 + 3.84146/40000) / 1.0384146 = 0.0961683.
    share = wilson_share(50, 100)
    assert share.value == 0.5
    assert share.low == pytest.approx(0.4038317, abs=1e-6)
    assert share.high == pytest.approx(0.5961683, abs=1e-6)


def test_wilson_interval_of_nothing_right_begins_at_zero() -> None:
    # With no success the upper bound is z² / (n + z²) = 3.84146 / 13.84146.
    share = wilson_share(0, 10)
    assert share.low == 0.0
    assert share.high == pytest.approx(0.2775329, abs=1e-6)


def test_wilson_interval_of_all_right_ends_at_one() -> None:
    # The mirror image: the lower bound is n / (n + z²) = 10 / 13.84146.
    share = wilson_share(10, 10)
    assert share.high == pytest.approx(1.0, abs=1e-12)
    assert share.low == pytest.approx(0.7224671, abs=1e-6)


@pytest.mark.parametrize(("num_right", "num_total"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(num_right: int, num_total: int) -> None:
    with pytest.raises(ValueError, match=r"num_right must be in 0\.\.num_total"):
        wilson_share(num_right, num_total)


def test_ratio_is_taken_of_the_medians_and_pair_by_pair() -> None:
    # Medians 20 and 40; pairs 10/40, 20/20 and 90/60.
    ratio = paired_ratio([10, 20, 90], [40, 20, 60])
    assert ratio.of_medians == 0.5
    assert (ratio.low, ratio.median, ratio.high) == (0.25, 1.0, 1.5)


def test_unpaired_measurements_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 and 1 measurements"):
        paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("num_only_a", "num_only_b", "p_value"),
    [
        (1, 7, 2 * (1 + 8) / 2**8),
        (0, 5, 2 / 2**5),
        (5, 0, 2 / 2**5),
        (2, 1, 1.0),  # twice 1 + 3 of 8
        (3, 3, 1.0),  # twice the half that holds the middle is more than all
        (0, 0, 1.0),
    ],
)
def test_mcnemar_doubles_the_smaller_tail(num_only_a: int, num_only_b: int, p_value: float) -> None:
    assert mcnemar_p(num_only_a, num_only_b) == pytest.approx(p_value, abs=1e-12)


def test_mcnemar_of_many_disagreements_does_not_overflow() -> None:
    assert mcnemar_p(2000, 2000) == 1.0
    assert 0 < mcnemar_p(1900, 2100) < 0.01


def test_paired_difference_has_the_interval_of_bonett_and_price() -> None:
    """1 against 7 of 21: (2 − 8)/23 ± 1.959964 · √((10/23 − (6/23)²)/23)."""
    difference = compare_paired(1, 7, 21)
    assert difference.value == pytest.approx(-6 / 21)
    assert difference.low == pytest.approx(-0.50836, abs=1e-5)
    assert difference.high == pytest.approx(-0.01338, abs=1e-5)
    assert difference.p_value == pytest.approx(0.0703125)


def test_paired_difference_is_that_of_another_implementation() -> None:
    """Of 26 and 4 of 40, an implementation in R prints 0.3126438 and 0.7349752."""
    difference = compare_paired(26, 4, 40)
    assert (difference.low, difference.high) == pytest.approx((0.3126438, 0.7349752), abs=1e-7)


def test_paired_difference_without_disagreement_still_has_a_width() -> None:
    """0 of 8: 0 ± 1.959964 · √((2/10)/10)."""
    difference = compare_paired(0, 0, 8)
    assert (difference.low, difference.high) == pytest.approx((-0.27718, 0.27718), abs=1e-5)


@pytest.mark.parametrize("counts", [(0, 0, 0), (2, 2, 3), (-1, 0, 3)])
def test_impossible_disagreements_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"counts must be in 0\.\.num_total"):
        compare_paired(*counts)


def test_wilson_interval_worked_by_hand() -> None:
    """8 of 10, z = 1.96: centre (0.8 + 0.192) / 1.384 = 0.717, half width 0.227."""
    share = wilson_share(8, 10)
    assert (round(share.low, 3), round(share.high, 3)) == (0.490, 0.943)
