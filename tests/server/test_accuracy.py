import pytest

from server.accuracy import AccuracyWindow, Judged, bin_of


def window(*judged: tuple[bool, float | None], size: int = 1000) -> AccuracyWindow:
    one = AccuracyWindow(size)
    for is_right, confidence in judged:
        one.add(Judged(is_right, confidence))
    return one


def test_only_the_last_answers_count() -> None:
    one = window(*[(False, None)] * 5, *[(True, None)] * 3, size=3)
    assert one.accuracy().value == 1


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    """Bin 0.9: confidence 0.9 and 0.95, one of two right: gap 0.425. Bin 0.5: one at 0.5, right:
    gap 0.5. (2 · 0.425 + 0.5) / 3 = 0.45; the answer without confidence does not count."""
    one = window((True, 0.9), (False, 0.95), (True, 0.5), (False, None))
    assert one.calibration_error() == pytest.approx(0.45)
    assert window((True, None)).calibration_error() is None


@pytest.mark.parametrize(("confidence", "expected"), [(0, 0), (0.1, 1), (0.99, 9), (1, 9)])
def test_bins_are_tenths(confidence: float, expected: int) -> None:
    assert bin_of(confidence) == expected
