import math

import pytest

from decoding.group_confidence import (
    GroupWatch,
    group_confidences,
    token_confidence,
    trace_confidence,
)


def step(*probabilities: float) -> tuple[tuple[int, float], ...]:
    return tuple((i, math.log(p)) for i, p in enumerate(probabilities))


def test_token_confidence_is_minus_the_mean_log_probability() -> None:
    """-(log 0.5 + log 0.125) / 2 = (1 + 3) / 2 · log 2."""
    assert token_confidence(step(0.5, 0.125)) == pytest.approx(2 * math.log(2))


def test_sure_step_is_more_confident_than_an_even_one() -> None:
    assert token_confidence(step(0.98, 0.01, 0.01)) > token_confidence(step(0.34, 0.33, 0.33))


def test_groups_slide_token_by_token() -> None:
    assert group_confidences([1, 2, 3, 6], 2) == [1.5, 2.5, 4.5]


def test_sample_shorter_than_the_window_is_one_group() -> None:
    assert group_confidences([1, 3], 5) == [2]
    assert group_confidences([1, 3], 2) == [2]


def test_sample_without_tokens_has_no_group() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        group_confidences([], 3)


def test_trace_confidences() -> None:
    """Of twelve groups the lowest tenth are two: (1 + 2) / 2."""
    groups = [5.0, 1.0, 7.0, 2.0, *[9.0] * 7, 4.0]
    assert trace_confidence(groups, "lowest_group") == 1
    assert trace_confidence(groups, "bottom_tenth") == 1.5
    assert trace_confidence(groups, "tail") == 4


def test_watch_speaks_at_the_first_group_that_is_below() -> None:
    """Confidences 2, 2, 0.5, 2 in units of log 2: groups of two are 2, 1.25, 1.25."""
    sure, unsure = step(0.25), step(0.5**0.5)
    watch = GroupWatch(window=2, threshold=1.5 * math.log(2))
    assert not watch.falls_below([sure, sure])
    assert watch.falls_below([unsure])


def test_watch_waits_for_a_complete_group() -> None:
    watch = GroupWatch(window=3, threshold=100.0)
    assert not watch.falls_below([step(0.5), step(0.5)])
    assert watch.falls_below([step(0.5)])


def test_watch_agrees_with_the_groups_of_the_whole() -> None:
    steps = [step(0.9 - 0.05 * i, 0.01 + 0.003 * i) for i in range(12)]
    lowest = min(group_confidences([token_confidence(one) for one in steps], 4))
    assert not GroupWatch(4, lowest).falls_below(steps)
    assert GroupWatch(4, lowest + 1e-9).falls_below(steps)


def test_no_sample_is_below_a_threshold_that_it_set_itself() -> None:
    """Whatever the rounding: 200 samples of numbers that do not end in binary."""
    for n in range(1, 201):
        steps = [step(0.9 / (1 + (i * n) % 7), 0.01 + (i * n) % 11 / 1000) for i in range(40)]
        lowest = min(group_confidences([token_confidence(one) for one in steps], 5))
        assert not GroupWatch(5, lowest).falls_below(steps)
