"""What decoders decide when the request's deadline passes, on a clock that counts tokens.

Paths that run together take turns, a token each, so that which of them are complete after so many
tokens can be counted by hand: a sample of one word takes two, the word and its end.
"""

import asyncio
import math

import pytest

from decoding.decoder import Decoder, Progress
from decoding.decoders.best_of_n import BestOfN
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.deepconf import DeepConf
from decoding.decoders.greedy import Greedy
from decoding.decoders.majority_vote import MajorityVote
from decoding.decoders.universal_vote import UniversalVote
from decoding.engine import Engine, OutOfTime, Sampling
from decoding.report import Report
from decoding.testing.table_engine import TableEngine
from decoding.verifiers import Claim, Verifier, Verifiers
from tests.decoding.sampling import answer, table_of

EIGHT, NINE = (" 8",), (" 9",)
LONG_EIGHT, LONG_NINE = (*[" well"] * 6, " 8"), (*[" well"] * 6, " 9")
NOTHING = (" hm",)
TABLE = table_of(EIGHT, NINE, LONG_EIGHT, LONG_NINE, NOTHING)


def engine_of(*samples: tuple[str, ...], in_time: float, **fields: object) -> TableEngine:
    return TableEngine(TABLE, samples=samples, num_tokens_in_time=in_time, **fields)  # type: ignore[arg-type]  # the test's own fields


def dropped(report: Report) -> list[str | None]:
    return [candidate.dropped for candidate in report.candidates]


def answers(report: Report) -> list[str | None]:
    return [candidate.answer for candidate in report.candidates]


async def read(engine: Engine, sampling: Sampling) -> list[tuple[int, str | None]]:
    deltas = engine.generate((0,), sampling)
    return [(len(delta.token_ids), delta.finish_reason) async for delta in deltas]


async def test_deadline_ends_a_path_with_what_it_generated() -> None:
    engine = engine_of(LONG_EIGHT, in_time=3)
    assert engine.seconds_left == math.inf
    sampling = Sampling(max_tokens=9, temperature=1.0)
    assert await read(engine, sampling) == [(1, None)] * 3 + [(0, "timeout")]
    assert engine.seconds_left == 0
    assert engine.timed_out


async def test_path_begun_after_the_deadline_ends_at_once() -> None:
    engine = engine_of(EIGHT, in_time=0)
    assert await read(engine, Sampling(max_tokens=9, temperature=1.0)) == [(0, "timeout")]
    assert engine.num_tokens == 0
    with pytest.raises(OutOfTime):
        await engine.score((0,), (1,))


def test_nothing_is_said_of_a_deadline_that_was_met() -> None:
    outcome = answer(MajorityVote(num_samples=2), engine_of(EIGHT, EIGHT, in_time=99))
    assert not outcome.report.timed_out
    assert dropped(outcome.report) == [None, None]


DECODERS = [
    Greedy(),
    CoTDecoding(k=2),
    MajorityVote(num_samples=2),
    MajorityVote(num_samples=2, launch="as_needed"),
    BestOfN(num_samples=2),
    UniversalVote(num_samples=2),
    DeepConf(num_samples=2),
    DeepConf(num_samples=2, mode="offline"),
]


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.strategy)
@pytest.mark.parametrize("in_time", [0, 1, 5])
def test_no_reply_where_no_path_was_complete(decoder: Decoder, in_time: int) -> None:
    """Both openings go on and on, and so do the samples."""
    endless = {(" well",) * n: {" well": 0.9, " 8": 0.1} for n in range(9)}
    endless |= {(" 8", *[" well"] * n): {" well": 1.0} for n in range(9)}
    engine = TableEngine(endless, samples=(LONG_EIGHT, LONG_NINE), num_tokens_in_time=in_time)
    with pytest.raises(OutOfTime, match="no path was complete"):
        answer(decoder, engine)
    assert engine.started == engine.finished + engine.aborted
    assert engine.num_tokens <= max(in_time, 1)


# cot_decoding: the probe is a token; then branch 0 and branch 1 take turns.
OPENINGS = {
    (): {" well": 0.6, " 9": 0.4},
    **{(" well",) * n: {" well": 0.9, " 8": 0.1} for n in range(1, 60)},
}


def test_cot_decoding_selects_among_the_complete_branches() -> None:
    """Of the second opening only the end is generated: it is complete after 3 tokens."""
    outcome = answer(CoTDecoding(k=2), TableEngine(OPENINGS, num_tokens_in_time=7))
    report = outcome.report
    assert (outcome.winner.text, report.answer, report.fallback) == (" 9", "9", None)
    assert report.timed_out
    assert dropped(report) == ["timeout", None]
    assert [c.finish_reason for c in report.candidates] == ["timeout", "stop"]
    assert [c.num_tokens for c in report.candidates] == [1 + 5, 2]
    assert report.agreement == 1.0


def test_cot_decoding_tells_of_complete_branches_alone() -> None:
    events: list[object] = []
    answer(CoTDecoding(k=2), TableEngine(OPENINGS, num_tokens_in_time=7), events=events)
    assert events == [Progress(1, 2)]


def test_cot_decoding_falls_back_on_a_complete_branch_without_a_cue_round() -> None:
    openings = {**OPENINGS, (): {" well": 0.6, " hm": 0.4}}
    engine = TableEngine(openings, num_tokens_in_time=5)  # it has no word for the cue
    outcome = answer(CoTDecoding(k=2), engine)
    assert outcome.winner.text == " hm"
    assert outcome.report.fallback == "no path was complete with an answer"
    assert outcome.report.selected == 1
    assert dropped(outcome.report) == ["timeout", "no_answer"]
    assert engine.num_tokens == 5


def test_cue_round_that_is_cut_off_says_nothing() -> None:
    """The probe, the end of " hm", then " 8" after the cue: the next word is out of time."""
    cued = (" hm", "\nSo the answer is")
    table = {(): {" hm": 1.0}, cued: {" 8": 1.0}, (*cued, " 8"): {"0": 1.0}}
    engine = TableEngine(table, num_tokens_in_time=3)
    report = answer(CoTDecoding(k=1), engine).report
    assert (report.answer, report.timed_out) == (None, True)
    assert report.fallback == "no path was complete with an answer"
    assert report.num_tokens == 3
    in_time = answer(CoTDecoding(k=1), TableEngine(table)).report
    assert (in_time.answer, in_time.timed_out) == ("80", False)


def test_finished_samples_vote_behind_a_gap() -> None:
    """Three of one word, of two tokens each, are complete after their second turn, by which the
    long ones have taken two as well."""
    engine = engine_of(LONG_EIGHT, NINE, LONG_EIGHT, NINE, EIGHT, in_time=11)
    outcome = answer(MajorityVote(num_samples=5, stop="none"), engine)
    report = outcome.report
    assert report.timed_out
    assert (report.answer, report.selected, report.fallback) == ("9", 1, None)
    assert report.agreement == 2 / 3
    assert answers(report) == [None, "9", None, "9", "8"]
    assert dropped(report) == ["timeout", None, "timeout", None, None]
    assert report.stopped is None
    assert report.num_tokens == engine.num_tokens == 11


def test_vote_that_was_decided_in_time_is_kept() -> None:
    engine = engine_of(EIGHT, EIGHT, EIGHT, EIGHT, LONG_NINE, in_time=99)
    report = answer(MajorityVote(num_samples=5), engine).report
    assert not report.timed_out
    assert report.stopped is not None
    assert report.stopped.rule == "beta"


def test_no_sample_is_launched_after_the_deadline() -> None:
    """As needed, four at first: the deadline comes while two of them are under way."""
    engine = engine_of(EIGHT, LONG_NINE, NINE, LONG_NINE, EIGHT, EIGHT, in_time=9)
    report = answer(MajorityVote(num_samples=6, launch="as_needed"), engine).report
    assert report.timed_out
    assert report.stopped is not None
    assert (report.stopped.rule, report.stopped.num_used) == ("timeout", 2)
    assert (report.stopped.num_aborted, report.stopped.num_not_started) == (0, 2)
    assert engine.started == 4
    assert dropped(report) == [None, "timeout", None, "timeout"]


def test_sample_that_was_cut_off_does_not_vote_where_truncated_ones_do() -> None:
    said = (" 8", *[" well"] * 5)
    engine = TableEngine(table_of(said, NINE), samples=(said, said, NINE), num_tokens_in_time=8)
    decoder = MajorityVote(num_samples=3, stop="none", count_truncated=True)
    report = answer(decoder, engine).report
    assert dropped(report) == ["timeout", "timeout", None]
    assert answers(report) == ["8", "8", "9"]
    assert report.answer == "9"


def test_vote_without_answers_falls_back_on_the_first_complete_sample() -> None:
    """What is complete cannot be scored any more."""
    engine = engine_of(LONG_EIGHT, NOTHING, NOTHING, in_time=7)
    outcome = answer(MajorityVote(num_samples=3), engine)
    assert outcome.report.selected == 1
    assert outcome.report.fallback == "no sample was complete with an answer"
    assert outcome.winner.finish_reason == "stop"
    assert engine.num_tokens == 7


def test_best_of_n_chooses_among_the_scored() -> None:
    """`equations` needs no model: it scores what is complete after the deadline, too."""
    right, wrong = (" 3 + 5 = 8",), (" 3 + 5 = 9",)
    table = table_of(right, wrong, LONG_EIGHT)
    engine = TableEngine(table, samples=(LONG_EIGHT, wrong, right), num_tokens_in_time=7)
    outcome = answer(BestOfN(num_samples=3), engine)
    assert outcome.report.timed_out
    assert outcome.winner.text == " 3 + 5 = 8"
    assert dropped(outcome.report) == ["timeout", None, None]


def test_verdicts_that_come_too_late_leave_samples_unscored() -> None:
    """Four tokens are the samples', a fifth the first verdict."""
    table = {**table_of(EIGHT, NINE), ("J",): {"yes": 0.5, "no": 0.5}}
    engine = TableEngine(
        table, samples=(NINE, EIGHT), asides={"Is the proposed": "J"}, num_tokens_in_time=5
    )
    outcome = answer(BestOfN(num_samples=2, verifier="self_judge"), engine)
    report = outcome.report
    assert report.timed_out
    assert dropped(report) == [None, "unscored"]
    assert report.model_dump()["unscored"] == {"timed_out": 1}
    assert (outcome.winner.text, report.fallback) == (" 9", None)


def test_without_a_verdict_in_time_the_first_complete_sample_is_the_reply() -> None:
    """Also where the verifier does not ask the model and would take forever."""

    class Silent(Verifier):
        async def score(self, claim: Claim, engine: Engine) -> float | None:
            return await asyncio.Future()

    context = {"verifiers": Verifiers({"silent": Silent()}, timeout_s=600)}
    decoder = BestOfN.model_validate({"num_samples": 2, "verifier": "silent"}, context=context)
    outcome = answer(decoder, engine_of(NINE, EIGHT, in_time=4))
    assert outcome.winner.text == " 9"
    assert outcome.report.fallback == "the verifier scored no complete sample"


def test_universal_vote_without_time_to_select_takes_the_first() -> None:
    engine = engine_of(LONG_NINE, NINE, EIGHT, EIGHT, in_time=10)
    outcome = answer(UniversalVote(num_samples=4), engine)
    assert outcome.winner.text == " 9"
    assert outcome.report.fallback == (
        "the time was too short for a selection; the first is the reply"
    )
    assert dropped(outcome.report) == ["timeout", None, None, None]
    assert engine.num_tokens == 10


def test_universal_vote_needs_no_selection_where_the_complete_say_the_same() -> None:
    outcome = answer(UniversalVote(num_samples=3), engine_of(LONG_NINE, EIGHT, EIGHT, in_time=8))
    assert (outcome.winner.text, outcome.report.fallback) == (" 8", None)


@pytest.mark.parametrize("mode", [{"mode": "online", "num_warmup": 4}, {"mode": "offline"}])
def test_deepconf_measures_the_complete_traces(mode: dict[str, object]) -> None:
    """All four are to set the threshold; the deadline passes before the two long ones end."""
    engine = engine_of(LONG_EIGHT, NINE, EIGHT, LONG_EIGHT, in_time=10)
    decoder = DeepConf.model_validate({"num_samples": 4, "min_votes": 1, **mode})
    report = answer(decoder, engine).report
    assert report.timed_out
    assert report.answer in ("8", "9")
    assert [reason == "timeout" for reason in dropped(report)] == [True, False, False, True]
    assert math.isfinite(report.model_dump()["threshold"])


def test_deepconf_scores_no_trace_that_never_began() -> None:
    """Two tokens are the first sample's, then the second and the third have one each."""
    engine = engine_of(NINE, LONG_EIGHT, LONG_EIGHT, LONG_EIGHT, in_time=4, delays={LONG_EIGHT: 1})
    report = answer(DeepConf(num_samples=4), engine).report
    assert report.answer == "9"
    assert report.candidates[-1].num_tokens == 0
    assert report.candidates[-1].score is None


def test_stage_that_is_cut_off_leaves_no_reply() -> None:
    table = {**TABLE, ("P",): {" well": 1.0}, ("P", " well"): {" well": 1.0}}
    engine = TableEngine(table, asides={"general principles": "P"}, num_tokens_in_time=2)
    with pytest.raises(OutOfTime, match='prompting "step_back" was not done'):
        answer(Greedy(prompting="step_back"), engine)


def test_forced_end_needs_no_time() -> None:
    """A branch whose first token ends it is complete with the probe."""
    table = {**OPENINGS, (): {" well": 0.6, "<end>": 0.4}}
    outcome = answer(CoTDecoding(k=2), TableEngine(table, num_tokens_in_time=1))
    assert outcome.winner.text == ""
    assert dropped(outcome.report) == ["timeout", "empty"]
