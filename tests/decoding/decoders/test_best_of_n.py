"""Best-of-n over samples whose arithmetic is written down."""

import asyncio
import math
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from decoding.decoder import Outcome
from decoding.decoders.best_of_n import VERIFIERS, BestOfN, BestOfNReport
from decoding.engine import Delta, Engine, PathAborted
from decoding.testing.table_engine import TableEngine
from decoding.verifiers import Claim, Verifier, Verifiers
from tests.decoding.sampling import QUESTION, answer, table_of

RIGHT = ("3 + 4 = 7.", " So 7")
SLIPPED = ("3 + 4 = 8.", " So 8")
HALF = ("3 + 4 = 7,", " 7 + 1 = 9.", " So 9")
SILENT = ("It is 8",)
WORDS = ("Hm",)
TABLE = table_of(RIGHT, SLIPPED, HALF, SILENT, WORDS)


class Graded(Verifier):
    """Scores by the reply's text; claims that it was asked about are kept."""

    def __init__(self, grade: Callable[[str], float | None]) -> None:
        self.grade = grade
        self.claims: list[Claim] = []

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        self.claims.append(claim)
        return self.grade(claim.text)


class Slow(Verifier):
    async def score(self, claim: Claim, engine: Engine) -> float | None:
        await asyncio.sleep(60)
        return 1.0


def best_of(verifier: Verifier, *, timeout_s: float = 1.0, **fields: object) -> BestOfN:
    known = Verifiers({"mine": verifier}, timeout_s)
    return BestOfN.model_validate({"verifier": "mine", **fields}, context={VERIFIERS: known})


def run(decoder: BestOfN, *samples: tuple[str, ...], **options: int) -> Outcome:
    return answer(decoder, TableEngine(TABLE, samples=samples), **options)  # type: ignore[arg-type]  # max_tokens


def report_of(outcome: Outcome) -> BestOfNReport:
    assert isinstance(outcome.report, BestOfNReport)
    return outcome.report


def test_sample_whose_equations_hold_beats_a_majority_whose_do_not() -> None:
    outcome = run(BestOfN(num_samples=4), SLIPPED, SLIPPED, RIGHT, HALF)
    report = report_of(outcome)
    assert report.answer == "7"
    assert outcome.winner.text == "3 + 4 = 7. So 7"
    assert [c.score for c in report.candidates] == [0, 0, 1, 0.5]
    assert (report.agreement, report.fallback, report.unscored) == (None, None, {})


def test_reply_without_equations_is_left_unscored_and_counted() -> None:
    report = report_of(run(BestOfN(num_samples=3), SILENT, SILENT, SLIPPED))
    assert report.answer == "8"
    assert report.selected == 2
    assert [c.dropped for c in report.candidates] == ["unscored", "unscored", None]
    assert report.unscored == {"no_verdict": 2}


def test_tied_scores_go_to_the_answer_that_most_of_them_give() -> None:
    decoder = best_of(Graded(lambda text: 1.0), num_samples=3)
    report = report_of(run(decoder, SILENT, RIGHT, RIGHT))
    assert (report.answer, report.selected) == ("7", 1)


def test_tied_answers_go_to_the_sample_launched_first() -> None:
    decoder = best_of(Graded(lambda text: 1.0), num_samples=2)
    assert report_of(run(decoder, SILENT, RIGHT)).selected == 0


def test_reply_without_an_answer_can_be_best() -> None:
    decoder = best_of(Graded(lambda text: float(text == "Hm")), num_samples=2)
    outcome = run(decoder, RIGHT, WORDS)
    assert outcome.winner.text == "Hm"
    assert outcome.report.answer is None


def test_vote_sums_scores_by_answer() -> None:
    """8 three times at 0.3 beats 7 once at 0.8: 0.9 of 1.7."""
    grades = {"It is 8": 0.3, "3 + 4 = 7. So 7": 0.8}
    decoder = best_of(Graded(grades.get), num_samples=4, selection="vote")
    report = report_of(run(decoder, RIGHT, SILENT, SILENT, SILENT))
    assert report.answer == "8"
    assert report.agreement == pytest.approx(0.9 / 1.7)
    assert [c.weight for c in report.candidates] == [0.8, 0.3, 0.3, 0.3]


def test_negative_scores_add_nothing_to_a_vote_but_can_be_best() -> None:
    grades = {"It is 8": -3.0, "3 + 4 = 7. So 7": -1.0}
    samples = (SILENT, SILENT, RIGHT)
    vote = report_of(run(best_of(Graded(grades.get), num_samples=3, selection="vote"), *samples))
    assert [c.weight for c in vote.candidates] == [0, 0, 0]
    assert (vote.answer, vote.agreement) == ("7", None)
    assert vote.fallback == "no score is above 0; the best is the reply"
    assert report_of(run(best_of(Graded(grades.get), num_samples=3), *samples)).answer == "7"


def test_reply_that_was_cut_off_is_not_judged() -> None:
    """At three tokens the third sample is cut off."""
    verifier = Graded(lambda text: float(len(text)))
    report = report_of(run(best_of(verifier, num_samples=3), SILENT, RIGHT, HALF, max_tokens=3))
    assert [c.dropped for c in report.candidates] == [None, None, "truncated"]
    assert len(verifier.claims) == 2
    assert verifier.claims[0] == Claim(QUESTION, "It is 8", "8")


def test_slow_verifier_leaves_samples_unscored() -> None:
    report = report_of(run(best_of(Slow(), timeout_s=0.01, num_samples=2), RIGHT, SILENT))
    assert report.unscored == {"timed_out": 2}
    assert report.fallback == "the verifier scored no complete sample"


def test_raising_verifier_ends_no_request(caplog: pytest.LogCaptureFixture) -> None:
    def grade(text: str) -> float:
        if text == "It is 8":
            raise RuntimeError("secret")
        return 0.5

    outcome = run(best_of(Graded(grade), num_samples=2), SILENT, RIGHT)
    report = report_of(outcome)
    assert (report.answer, report.unscored) == ("7", {"failed": 1})
    assert "secret" in caplog.text
    assert "secret" not in report.model_dump_json()


@pytest.mark.parametrize(
    ("score", "reason"),
    [(math.nan, "no_verdict"), (math.inf, "no_verdict"), ("high", "failed"), (10**400, "failed")],
    ids=["nan", "inf", "text", "huge"],
)
def test_score_that_is_no_finite_number_is_none(score: float, reason: str) -> None:
    report = report_of(run(best_of(Graded(lambda text: score), num_samples=2), RIGHT, RIGHT))
    assert report.unscored == {reason: 2}


def test_verifier_whose_own_work_was_cancelled_has_failed() -> None:
    class Cancelled(Verifier):
        async def score(self, claim: Claim, engine: Engine) -> float | None:
            raise asyncio.CancelledError

    report = report_of(run(best_of(Cancelled(), num_samples=2), RIGHT, RIGHT))
    assert report.unscored == {"failed": 2}


def test_without_a_score_the_likeliest_complete_sample_is_the_reply() -> None:
    """Of five first words one each: all begin at 1/5, so the longer sample is likelier a token.

    It is 8, end: (1/5 · 1)^(1/2) = 0.447; 3 + 4 = 7., So 7, end: (1/5)^(1/3) = 0.585.
    """
    report = report_of(run(best_of(Graded(lambda text: None), num_samples=2), SILENT, RIGHT))
    assert (report.selected, report.answer) == (1, "7")
    assert report.fallback == "the verifier scored no complete sample"


JUDGED = {
    **TABLE,
    ("<judge 7>",): {"Yes": 0.5, " yes": 0.1, "No": 0.3, "maybe": 0.1},
    ("<judge 8>",): {"no": 0.9, "Yes": 0.1},
    ("<judge Hm>",): {"maybe": 1.0},
}
ASIDES = {"So 7": "<judge 7>", "It is 8": "<judge 8>", "Hm": "<judge Hm>"}


def test_self_judge_scores_by_p_yes() -> None:
    """7: (0.5 + 0.1) / (0.6 + 0.3) = 2/3; 8: 0.1; the third names neither. One token each."""
    engine = TableEngine(JUDGED, samples=(SILENT, RIGHT, WORDS), asides=ASIDES)
    report = report_of(answer(BestOfN(num_samples=3, verifier="self_judge"), engine))
    assert report.answer == "7"
    scores = [c.score for c in report.candidates]
    assert scores[:2] == pytest.approx([0.1, 2 / 3])
    assert (scores[2], report.unscored) == (None, {"no_verdict": 1})
    assert report.num_tokens == (2 + 3 + 2) + 3
    assert all(QUESTION in asked for asked in engine.asked)
    assert list(report.phases_ms) == ["paths", "verify", "select"]


def test_self_judge_needs_the_question_and_twenty_log_probabilities() -> None:
    decoder = BestOfN(verifier="self_judge")
    assert (decoder.question_field, decoder.num_logprobs) == ("verifier", 20)
    assert (BestOfN().question_field, BestOfN().num_logprobs) == (None, 0)


def test_engine_that_stops_while_judging_ends_the_request() -> None:
    class Stopping(TableEngine):
        async def generate(self, token_ids, sampling):  # type: ignore[no-untyped-def]  # as the base
            if sampling.is_aside:
                yield Delta((), finish_reason="abort")
                return
            async for delta in super().generate(token_ids, sampling):
                yield delta

    engine = Stopping(JUDGED, samples=(SILENT, RIGHT), asides=ASIDES)
    with pytest.raises(PathAborted):
        answer(BestOfN(num_samples=2, verifier="self_judge"), engine)


def test_unknown_verifier_names_those_there_are() -> None:
    with pytest.raises(ValidationError, match='one of "equations", "self_judge"'):
        BestOfN(verifier="http")
    with pytest.raises(ValidationError, match='one of "mine"'):
        BestOfN.model_validate(
            {"verifier": "equations"}, context={VERIFIERS: Verifiers({"mine": Slow()})}
        )
