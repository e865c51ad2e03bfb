"""DeepConf over samples whose confidence is written down.

A step that is sure has two words at 1/16 each way: C = 4 log 2; one that is not has two at 1/2:
C = log 2. Each sample is one word, so its only group (a window of 1) is that word, and its end,
which is sure.
"""

import math

import pytest
from pydantic import ValidationError

from decoding.decoders.deepconf import DeepConf, DeepConfReport
from decoding.testing.table_engine import END, TableEngine
from tests.decoding.sampling import answer

LOG_2 = math.log(2)
SURE = {END: 1 / 16, " and": 1 / 16}
DOUBTFUL = {END: 1 / 2, " or": 1 / 2}
RAMBLING = (" 6", *(" or",) * 30)
TABLE = {
    (): {" 7": 1 / 16, " 8": 1 / 16, " 9": 1 / 16, " 6": 1 / 16},
    (" 7",): SURE,
    (" 8",): DOUBTFUL,
    (" 9",): {END: 1 / 4, " or": 1 / 4},
    **{RAMBLING[:n]: DOUBTFUL for n in range(1, 40)},
}
SEVEN, EIGHT, NINE = (" 7",), (" 8",), (" 9",)
OFFLINE = {"mode": "offline", "window": 1, "min_votes": 1}


def run(
    samples: tuple[tuple[str, ...], ...], **fields: object
) -> tuple[DeepConfReport, TableEngine]:
    engine = TableEngine(TABLE, samples=samples)
    decoder = DeepConf.model_validate({"num_samples": len(samples), **fields})
    report = answer(decoder, engine).report
    assert isinstance(report, DeepConfReport)
    return report, engine


def test_offline_keeps_the_most_confident_and_weighs_their_votes() -> None:
    """Lowest groups: 7 has 4, 8 has 1, 9 has 2 (log 2). At 50 % the median of 1, 1, 1, 2, 4 is 1;
    at 40 % the percentile 60 is 1 + 0.4 · (2 - 1) = 1.4, so the three 8s fall."""
    samples = (EIGHT, EIGHT, NINE, EIGHT, SEVEN)
    report, _ = run(samples, **OFFLINE, keep_percent=40)
    assert report.threshold == pytest.approx(1.4 * LOG_2)
    assert [c.dropped for c in report.candidates] == [
        "low_confidence", "low_confidence", None, "low_confidence", None
    ]  # fmt: skip
    assert [c.score for c in report.candidates] == pytest.approx(
        [LOG_2, LOG_2, 2 * LOG_2, LOG_2, 4 * LOG_2]
    )
    assert [c.weight for c in report.candidates] == pytest.approx([0, 0, 2 * LOG_2, 0, 4 * LOG_2])
    assert report.answer == "7"
    assert report.agreement == pytest.approx(4 / 6)
    assert report.num_readmitted == 0


def test_keeping_all_is_a_vote_weighted_by_confidence() -> None:
    """Three 8s at 1 against one 7 at 4."""
    report, _ = run((EIGHT, EIGHT, EIGHT, SEVEN), **OFFLINE, keep_percent=100)
    assert (report.answer, report.agreement) == ("7", pytest.approx(4 / 7))


def test_ballot_floor_lets_the_most_confident_of_the_rest_in() -> None:
    """Only 7 passes at 10 %; of the rest 9 is surest, then the 8 launched first."""
    samples = (EIGHT, NINE, EIGHT, EIGHT, SEVEN)
    report, _ = run(samples, **{**OFFLINE, "min_votes": 3}, keep_percent=10)
    assert [c.dropped is None for c in report.candidates] == [True, True, False, False, True]
    assert report.num_readmitted == 2


def test_scores_are_those_asked_for() -> None:
    """Groups of 9 with a window of 1: first word 4, end 2. The tail is the end."""
    for score, expected in (("lowest_group", 2), ("tail", 2), ("bottom_tenth", 2)):
        report, _ = run((NINE, NINE), **OFFLINE, score=score)
        assert report.candidates[0].score == pytest.approx(expected * LOG_2)


def test_window_unset_is_a_tenth_of_the_mean_sample() -> None:
    report, _ = run((RAMBLING, RAMBLING), mode="offline", min_votes=1)
    assert report.window == 4  # a tenth of 32 is 3; groups have at least 4
    assert run((SEVEN, SEVEN), mode="offline", window=9, min_votes=1)[0].window == 9


def test_online_aborts_a_sample_that_falls_below_the_warm_up() -> None:
    """Warm-up 7, 7, 9, 9: the percentile 10 of 2, 2, 4, 4 is 2 (log 2); a 6 rambles at 1."""
    samples = (SEVEN, SEVEN, NINE, NINE, RAMBLING, NINE)
    report, engine = run(samples, window=1, num_warmup=4, min_votes=1, consensus=1)
    assert report.threshold == pytest.approx(2 * LOG_2)
    aborted = report.candidates[4]
    assert (aborted.dropped, aborted.finish_reason) == ("low_confidence", "abort")
    assert aborted.num_tokens == 2
    assert engine.aborted == 1
    assert report.num_tokens == engine.num_tokens == 5 * 2 + 2
    assert report.candidates[5].dropped is None
    assert report.answer == "7"


def test_online_stops_after_the_warm_up_when_it_agrees() -> None:
    report, engine = run((SEVEN,) * 4, num_samples=12, num_warmup=4)
    assert report.stopped is not None
    assert (report.stopped.rule, report.stopped.num_used) == ("consensus", 4)
    assert (report.stopped.num_not_started, report.stopped.num_aborted) == (8, 0)
    assert engine.started == 4
    assert report.agreement == 1.0


def test_online_stops_on_its_way_and_aborts_the_rest() -> None:
    """With a window of 50 a sample is one group: 7 has (4 + 4) / 2, 9 has (4 + 2) / 2. The warm-up
    leaves 7 at 8 of 14, the next two 7s bring it to 12 of 18 and 16 of 22, which is above 0.7."""
    samples = (SEVEN, NINE, SEVEN, NINE, *(SEVEN,) * 3, *(RAMBLING,) * 3)
    report, engine = run(samples, window=50, num_warmup=4, consensus=0.7, keep_percent=100)
    assert report.stopped is not None
    assert (report.stopped.num_used, report.stopped.num_aborted) == (6, 3)
    assert report.agreement == pytest.approx(16 / 22)
    assert [c.dropped for c in report.candidates[6:]] == ["surplus"]
    assert report.num_tokens == 7 * 2 + report.stopped.num_aborted_tokens == engine.num_tokens
    assert engine.aborted == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"num_samples": 2}, {"min_votes": 2, "num_warmup": 2, "consensus": 0.95}),
        ({"num_samples": 12, "num_warmup": 2}, {"min_votes": 4, "num_warmup": 4}),
        ({"num_samples": 12}, {"min_votes": 4, "num_warmup": 6}),
        ({"num_samples": 12, "mode": "offline"}, {"num_warmup": None, "consensus": None}),
    ],
)
def test_parameters_are_reported_as_run(
    fields: dict[str, object], expected: dict[str, object]
) -> None:
    parameters = DeepConf.model_validate(fields).parameters()
    assert {name: parameters.get(name) for name in expected} == expected


def test_no_vote_ends_on_fewer_ballots_than_the_floor() -> None:
    """Both warm-up samples agree, but the floor is three."""
    report, _ = run((SEVEN,) * 6, num_warmup=2, min_votes=3)
    assert report.stopped is not None
    assert report.stopped.num_used == 3


def test_half_of_the_samples_warm_up_and_at_most_sixteen() -> None:
    assert DeepConf(num_samples=8).num_measured == 4
    assert DeepConf(num_samples=64).num_measured == 16
    assert DeepConf(num_samples=4).num_measured == 4  # the floor
    assert DeepConf(num_samples=40, num_warmup=2, min_votes=6).num_measured == 6
    assert DeepConf(num_samples=8, mode="offline").num_measured == 8


def test_without_any_vote_the_likeliest_sample_is_the_reply_and_the_report_says_so() -> None:
    engine = TableEngine({(): {"well": 0.5, "hm": 0.25}}, samples=(("hm",), ("well",)))
    report = answer(DeepConf(num_samples=2, mode="offline"), engine).report
    assert report.fallback == "no sample was complete with an answer"
    assert report.selected == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"mode": "offline", "num_warmup": 4}, "online"),
        ({"mode": "offline", "consensus": 0.9}, "online"),
        ({"num_samples": 8, "num_warmup": 9}, "at most num_samples, 8"),
        ({"num_samples": 8, "min_votes": 9}, "at most num_samples, 8"),
        ({"keep_percent": 0}, "greater than 0"),
        ({"keep_percent": 101}, "less than or equal to 100"),
        ({"window": 0}, "greater than or equal to 1"),
        ({"score": "mean"}, "lowest_group"),
    ],
)
def test_parameters_that_contradict_are_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        DeepConf.model_validate(fields)
