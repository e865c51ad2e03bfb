"""A vote by the model itself, over replies that are written down."""

import pytest

from decoding.decoders.universal_vote import UniversalVote, UniversalVoteReport, parse_selection
from decoding.testing.table_engine import TableEngine
from tests.decoding.sampling import QUESTION, answer, table_of

BLUE, SKY, RED = ("It is blue",), ("Blue", " as the sky"), ("Red",)
TABLE = table_of(BLUE, SKY, RED)
ASIDES = {"most consistent": "<select>"}


def select(
    said: str, *samples: tuple[str, ...], max_tokens: int = 50
) -> tuple[UniversalVoteReport, TableEngine]:
    engine = TableEngine({**TABLE, ("<select>",): {said: 1.0}}, samples=samples, asides=ASIDES)
    outcome = answer(UniversalVote(num_samples=len(samples)), engine, max_tokens=max_tokens)
    assert isinstance(outcome.report, UniversalVoteReport)
    return outcome.report, engine


def test_response_that_the_model_names_is_the_reply() -> None:
    report, engine = select("The most consistent response is Response 2", RED, SKY, BLUE)
    assert report.selected == 1
    assert report.fallback is None
    assert (report.agreement, report.confidence) == (None, None)
    assert report.selection == "The most consistent response is Response 2"
    (asked,) = engine.asked
    listed = "Response 1: Red\n\nResponse 2: Blue as the sky\n\nResponse 3: It is blue"
    assert f"to the question: {QUESTION}\n\n{listed}\n\n" in asked


def test_selection_is_counted() -> None:
    """2 + 3 + 2 tokens of the samples, one word and its end of the selection."""
    report, _ = select("Response 2", RED, SKY, BLUE)
    assert report.num_tokens == 7 + 2


def test_selection_that_names_none_leaves_the_first_and_says_so() -> None:
    for said in ("Blue, I think", "Response 4", "Response 0"):
        report, _ = select(said, BLUE, SKY, RED)
        assert report.selected == 0
        assert report.fallback == "the selection named no sample; the first is the reply"


def test_samples_that_were_cut_off_are_not_listed() -> None:
    """At two tokens "Blue as the sky" is cut off, so Response 2 is the third sample."""
    report, engine = select("Response 2", RED, SKY, BLUE, max_tokens=2)
    assert "sky" not in engine.asked[0]
    assert report.selected == 2
    assert report.candidates[1].dropped == "truncated"


def test_samples_that_agree_need_no_selection() -> None:
    report, engine = select("Response 2", BLUE, BLUE)
    assert (report.selected, report.selection, report.fallback) == (0, None, None)
    assert engine.asked == []


def test_without_a_complete_sample_the_likeliest_is_the_reply() -> None:
    report, engine = select("Response 2", SKY, BLUE, max_tokens=1)
    assert report.fallback == "no sample was complete"
    assert engine.asked == []


def test_samples_too_long_to_be_listed_leave_the_first() -> None:
    engine = TableEngine(TABLE, samples=(RED, BLUE), asides=ASIDES, context_length=1)
    engine.words.append("<select>")
    report = answer(UniversalVote(num_samples=2), engine).report
    assert report.selected == 0
    assert report.fallback is not None
    assert "too long" in report.fallback


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The most consistent response is Response 3", 3),
        ("The most consistent response is Response 3, not Response 1.", 3),
        ("the most consistent response is response #2.", 2),
        ("Response **1** agrees with most", 1),
        ("Response 1 says red. The most consistent response is **Response 3**.", 3),
        ("The most consistent response is 4", 4),
        ("2", 2),
        ("(2)", 2),
        ("2.5 of them", 2),
        ("Response 2, since Response 2 is blue", 2),
        ("it is not Response 1 but Response 2", None),
        ("Response 5", None),
        ("Response 0", None),
        ("Response 99999999999", None),
        ("All 3 say blue", None),
        ("none", None),
        ("", None),
    ],
)
def test_choice_is_read_off_the_selection(text: str, expected: int | None) -> None:
    assert parse_selection(text, 4) == expected
