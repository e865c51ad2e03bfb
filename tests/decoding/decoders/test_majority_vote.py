"""Voting over samples that are written down, with probabilities that are written down."""

import asyncio
import math

import pytest

from decoding.decoder import Outcome, Progress
from decoding.decoders.majority_vote import MajorityVote
from decoding.engine import Delta, PathAborted, Prompt, Sampling
from decoding.testing.table_engine import END, TableEngine

# " 8" and " 9" are said as they come; " well" goes on for a while.
TABLE = {
    (): {" 8": 0.4, " 9": 0.3, " 7": 0.2, " well": 0.1},
    (" well",): {" 8": 0.25, " 9": 0.25, " well": 0.25, END: 0.25},
    **{(" well",) * n: {" 8": 0.45, " 9": 0.45, " well": 0.1} for n in range(2, 20)},
}
EIGHT, NINE, SEVEN, NOTHING = (" 8",), (" 9",), (" 7",), (" well",)
LONG_EIGHT, LONG_NINE = (" well", " well", " 8"), (" well", " well", " 9")
RAMBLING = (" well",) * 19


def vote(
    decoder: MajorityVote, engine: TableEngine, events: list[object] | None = None, **limits: int
) -> Outcome:
    prompt = Prompt(engine.prompt_token_ids(), **{"max_tokens": 20, **limits})
    told = [] if events is None else events
    return asyncio.run(decoder.run(engine, prompt, emit=told.append))


def answers(outcome: Outcome) -> list[str | None]:
    return [candidate.answer for candidate in outcome.report.candidates]


def test_answer_of_most_samples_wins() -> None:
    engine = TableEngine(TABLE, samples=(SEVEN, NINE, EIGHT, NINE))
    outcome = vote(MajorityVote(num_samples=4), engine)
    assert outcome.report.answer == "9"
    assert outcome.report.selected == 1
    assert outcome.report.agreement == 0.5
    assert outcome.winner.text == " 9"
    assert answers(outcome) == ["7", "9", "8", "9"]


def test_tie_goes_to_the_answer_launched_first() -> None:
    """Also where the other one arrives first."""
    engine = TableEngine(TABLE, samples=(LONG_EIGHT, NINE), delays={LONG_EIGHT: 30})
    assert vote(MajorityVote(num_samples=2), engine).report.answer == "8"


def test_every_sample_is_drawn_with_its_own_seed() -> None:
    drawn: list[Sampling] = []

    class Watched(TableEngine):
        def generate(self, token_ids, sampling):  # type: ignore[no-untyped-def]  # as the base
            drawn.append(sampling)
            return super().generate(token_ids, sampling)

    engine = Watched(TABLE, samples=(EIGHT,) * 3)
    vote(MajorityVote(num_samples=3, temperature=0.5, top_p=0.9, top_k=40, seed=7), engine)
    assert [sampling.seed for sampling in drawn] == [7, 8, 9]
    assert {(s.temperature, s.top_p, s.top_k) for s in drawn} == {(0.5, 0.9, 40)}


def test_probability_weighs_by_the_mean_log_probability() -> None:
    """Each path's weight is the geometric mean of its tokens' probabilities:
    8, end: (0.4 · 1)^(1/2) = 0.632; 9, end: (0.3 · 1)^(1/2) = 0.548, twice, so 9 wins by sum."""
    engine = TableEngine(TABLE, samples=(EIGHT, NINE, NINE))
    report = vote(MajorityVote(num_samples=3, weight="probability", stop="none"), engine).report
    weights = [candidate.weight for candidate in report.candidates]
    assert weights == pytest.approx([math.sqrt(0.4), math.sqrt(0.3), math.sqrt(0.3)])
    assert report.answer == "9"
    assert report.agreement == pytest.approx(2 * math.sqrt(0.3) / sum(weights))


def test_long_paths_are_not_punished_for_their_length() -> None:
    """well, well, 8, end: (0.1 · 0.25 · 0.45 · 1)^(1/4) = 0.326, not 0.01125."""
    engine = TableEngine(TABLE, samples=(LONG_EIGHT, NOTHING))
    report = vote(MajorityVote(num_samples=2, weight="probability"), engine).report
    assert report.candidates[0].weight == pytest.approx(0.01125**0.25)
    assert report.candidates[0].mean_logprob == pytest.approx(math.log(0.01125) / 4)


def test_confidence_weighs_by_delta_of_the_answer() -> None:
    """At the start 8 leads 9 by 0.1; after two wells they are level, so Δ is 0 there."""
    engine = TableEngine(TABLE, samples=(LONG_NINE, EIGHT, LONG_NINE))
    report = vote(MajorityVote(num_samples=3, weight="confidence", stop="none"), engine).report
    assert [c.confidence for c in report.candidates] == pytest.approx([0, 0.1, 0])
    assert report.answer == "8"
    assert report.agreement == 1.0


def test_decided_vote_aborts_the_rest_and_counts_its_tokens() -> None:
    """Four of four decide at 95 %; two long samples are on their way and are given up."""
    engine = TableEngine(TABLE, samples=(EIGHT,) * 4 + (RAMBLING,) * 2)
    report = vote(MajorityVote(num_samples=6), engine).report
    assert report.answer == "8"
    assert report.stopped is not None
    assert (report.stopped.rule, report.stopped.num_used) == ("beta", 4)
    assert report.stopped.num_aborted == engine.aborted == 2
    assert 2 * 2 <= report.stopped.num_aborted_tokens < 2 * 20
    assert report.num_tokens == 4 * 2 + report.stopped.num_aborted_tokens == engine.num_tokens


def test_sample_that_came_in_after_the_decision_is_told_and_does_not_vote() -> None:
    engine = TableEngine(TABLE, samples=(LONG_EIGHT,) * 4 + (NINE,) * 2)
    report = vote(MajorityVote(num_samples=6), engine).report
    assert report.stopped is not None
    assert (report.stopped.num_used, report.stopped.num_aborted) == (4, 0)
    assert [c.dropped for c in report.candidates] == [None] * 4 + ["surplus"] * 2
    assert [c.weight for c in report.candidates] == [1] * 4 + [0] * 2
    assert report.agreement == 1.0
    assert report.num_tokens == 4 * 4 + 2 * 2


def test_candidates_keep_their_number_in_launch_order_past_aborted_ones() -> None:
    """Two that agree decide; the third is on its way and is aborted, the fourth is in."""
    engine = TableEngine(TABLE, samples=(EIGHT, EIGHT, RAMBLING, EIGHT))
    report = vote(MajorityVote(num_samples=4, stop="window", window=2), engine).report
    assert report.stopped is not None
    assert report.stopped.num_aborted == 1
    assert [c.branch for c in report.candidates] == [0, 1, 3]


def test_short_samples_do_not_win_by_arriving_first() -> None:
    """Of eight samples the four short ones say 9 and are done long before those that say 8.

    Counted as they arrive, 9 would be decided at 4:0. In launch order it never leads by enough,
    and the tie goes to the first.
    """
    samples = (LONG_EIGHT, NINE) * 4
    engine = TableEngine(TABLE, samples=samples, delays={LONG_EIGHT: 50})
    report = vote(MajorityVote(num_samples=8), engine).report
    assert report.answer == "8"
    assert report.stopped is None
    assert report.agreement == 0.5


def test_as_needed_starts_no_more_than_may_decide() -> None:
    """Four of one kind decide at 95 %, so four are started, and they do."""
    engine = TableEngine(TABLE, samples=(EIGHT,) * 4)
    report = vote(MajorityVote(num_samples=40, launch="as_needed"), engine).report
    assert report.answer == "8"
    assert report.stopped is not None
    assert (report.stopped.num_used, report.stopped.num_not_started) == (4, 36)
    assert (report.stopped.num_aborted, report.num_tokens) == (0, 4 * 2)


def test_as_needed_starts_more_when_a_vote_disagrees() -> None:
    """After 3:1 the soonest end is 6:1, hence seven; after 5:2 it is 8:2, hence ten."""
    samples = (EIGHT, NINE, *(EIGHT,) * 4, NINE, *(EIGHT,) * 3)
    engine = TableEngine(TABLE, samples=samples)
    report = vote(MajorityVote(num_samples=40, launch="as_needed"), engine).report
    assert report.stopped is not None
    assert (report.stopped.num_used, report.stopped.num_not_started) == (10, 30)
    assert engine.started == 10


def test_as_needed_starts_more_before_the_slow_ones_are_in() -> None:
    """The first is slow; the others disagree, and what they make necessary runs meanwhile."""
    samples = (LONG_EIGHT, EIGHT, NINE, EIGHT, *(EIGHT,) * 3)
    engine = TableEngine(TABLE, samples=samples, delays={LONG_EIGHT: 200})
    report = vote(MajorityVote(num_samples=40, launch="as_needed"), engine).report
    assert report.stopped is not None
    assert (report.stopped.num_used, report.stopped.num_aborted) == (7, 0)
    assert engine.started == 7


def test_launching_changes_the_cost_of_a_vote_and_not_its_end() -> None:
    samples = (NINE, EIGHT, SEVEN, *(EIGHT, NINE) * 3, *(EIGHT,) * 11)
    ends = []
    for launch in ("at_once", "as_needed"):
        decoder = MajorityVote(num_samples=20, launch=launch)
        report = vote(decoder, TableEngine(TABLE, samples=samples)).report
        assert report.stopped is not None
        votes = [c.answer for c in report.candidates if not c.dropped]
        ends.append((report.answer, report.agreement, report.stopped.num_used, votes))
    assert ends[0] == ends[1]
    assert ends[0][2] == 16


def test_as_needed_vote_that_nothing_decides_draws_every_sample() -> None:
    engine = TableEngine(TABLE, samples=(EIGHT, NINE) * 3)
    report = vote(MajorityVote(num_samples=6, launch="as_needed"), engine).report
    assert (report.stopped, report.answer, engine.started) == (None, "8", 6)


def test_models_of_an_ensemble_draw_in_turn_and_sign_their_votes() -> None:
    drawn: list[str | None] = []

    class Watched(TableEngine):
        def generate(self, token_ids, sampling):  # type: ignore[no-untyped-def]  # as the base
            drawn.append(sampling.model)
            return super().generate(token_ids, sampling)

    engine = Watched(TABLE, samples=(EIGHT, NINE, EIGHT))
    report = vote(MajorityVote(num_samples=3, models=("a", "b"), stop="none"), engine).report
    assert drawn == ["a", "b", "a"]
    assert [(c.model, c.answer) for c in report.candidates] == [("a", "8"), ("b", "9"), ("a", "8")]
    assert report.num_tokens == 3 * 2


def test_window_rule_stops_at_a_unanimous_window() -> None:
    samples = (NINE, *(EIGHT,) * 5, *(EIGHT,) * 6)
    report = vote(
        MajorityVote(num_samples=12, stop="window", window=3), TableEngine(TABLE, samples=samples)
    ).report
    assert report.stopped is not None
    assert (report.stopped.rule, report.stopped.num_used) == ("window", 6)


def test_no_vote_is_stopped_before_min_votes() -> None:
    engine = TableEngine(TABLE, samples=(EIGHT,) * 8)
    report = vote(MajorityVote(num_samples=8, min_votes=6), engine).report
    assert report.stopped is not None
    assert report.stopped.num_used == 6


def test_samples_without_an_answer_are_used_and_do_not_vote() -> None:
    engine = TableEngine(TABLE, samples=(NOTHING, NOTHING, NINE))
    report = vote(MajorityVote(num_samples=3), engine).report
    assert report.answer == "9"
    assert [c.dropped for c in report.candidates] == ["no_answer", "no_answer", None]
    assert report.agreement == 1.0


def test_truncated_samples_vote_only_when_asked() -> None:
    """With one token a sample " 8" is cut off before its end."""
    for count_truncated, agreement in ((False, None), (True, 1.0)):
        engine = TableEngine(TABLE, samples=(EIGHT, EIGHT))
        decoder = MajorityVote(num_samples=2, count_truncated=count_truncated)
        report = vote(decoder, engine, max_tokens=1).report
        assert report.agreement == agreement
        assert report.candidates[0].dropped == (None if count_truncated else "truncated")


def test_without_any_vote_the_likeliest_sample_is_the_reply() -> None:
    """well, end: (0.1 · 0.25)^(1/2) = 0.158; with two wells (0.1 · 0.25 · 0.001)^(1/3) = 0.029."""
    doubtful = (" well", " well")
    table = {**TABLE, (" well", " well"): {END: 0.001, " 8": 0.999}}
    engine = TableEngine(table, samples=(doubtful, NOTHING))
    outcome = vote(MajorityVote(num_samples=2), engine)
    assert outcome.report.fallback == "no sample was complete with an answer"
    assert outcome.report.selected == 1
    assert outcome.report.answer is None
    assert outcome.winner.text == " well"


def test_empty_sample_is_the_reply_only_where_all_are_empty() -> None:
    """Ending at once is likeliest by far, and no reply."""
    table = {(): {END: 0.9, " well": 0.1}, (" well",): {END: 1.0}}
    for samples, selected in ((((), NOTHING), 1), (((), ()), 0)):
        outcome = vote(MajorityVote(num_samples=2), TableEngine(table, samples=samples))
        assert outcome.report.selected == selected


def test_progress_is_told_for_every_sample() -> None:
    events: list[object] = []
    vote(MajorityVote(num_samples=2), TableEngine(TABLE, samples=(EIGHT, NINE)), events)
    assert events == [Progress(1, 2), Progress(2, 2)]


def test_failure_of_the_engine_is_raised_bare_and_stops_the_others() -> None:
    class Failing(TableEngine):
        async def generate(self, token_ids, sampling):  # type: ignore[no-untyped-def]  # as the base
            if self.started == 1:
                yield Delta((), finish_reason="abort")
                return
            async for delta in super().generate(token_ids, sampling):
                yield delta

    engine = Failing(TABLE, samples=(LONG_EIGHT,) * 3)
    with pytest.raises(PathAborted):
        vote(MajorityVote(num_samples=3), engine)
    assert engine.finished == 0


def test_leaving_client_stops_every_sample() -> None:
    async def leave() -> TableEngine:
        engine = TableEngine(TABLE, samples=(LONG_EIGHT,) * 4, delays={LONG_EIGHT: 100})
        prompt = Prompt(engine.prompt_token_ids(), max_tokens=20)
        decoder = MajorityVote(num_samples=4)
        task = asyncio.create_task(decoder.run(engine, prompt, emit=lambda event: None))
        await asyncio.sleep(0)  # the decoder starts its samples …
        await asyncio.sleep(0)  # … and they start theirs
        assert engine.started == 4
        task.cancel()
        await asyncio.wait([task])
        return engine

    engine = asyncio.run(leave())
    assert (engine.aborted, engine.finished) == (4, 0)


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("beta", {"threshold", "min_votes", "launch"}),
        ("window", {"window", "min_votes", "launch"}),
        ("none", set()),
    ],
)
def test_parameters_without_effect_are_not_reported(stop: str, expected: set[str]) -> None:
    parameters = MajorityVote.model_validate({"stop": stop}).parameters()
    assert parameters.keys() & {"threshold", "window", "min_votes", "launch"} == expected
