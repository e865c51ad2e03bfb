"""Prompting stages over a table, and what they cost."""

import asyncio

import pytest

from decoding.decoder import Decoder, Outcome
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.greedy import Greedy
from decoding.engine import Prompt, UnaskableQuestion
from decoding.prompting import PRINCIPLE_QUESTION, STEP_BY_STEP
from decoding.testing.table_engine import TableEngine

QUESTION = "How many {ducks}?"
# The bare prompt is answered with 7, one that thinks, recalls or has a principle with 8.
TABLE = {
    (): {"7": 1.0},
    ("<why>",): {"Add": 1.0},
    ("<with>",): {"8": 0.6, "9": 0.4},
    ("<step>",): {"8": 1.0},
    ("<recall>",): {"8": 1.0},
}
ASIDES = {
    "What general principles": "<why>",
    "<principles>\nAdd\n</principles>": "<with>",
    STEP_BY_STEP: "<step>",
    "First recall 3 problems": "<recall>",
}


def answer(decoder: Decoder, engine: TableEngine, question: str | None = QUESTION) -> Outcome:
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=20, question=question)
    return asyncio.run(decoder.answer_prompt(engine, prompt, emit=lambda event: None))


def test_without_a_stage_the_prompt_stays_as_it_is() -> None:
    engine = TableEngine(TABLE, asides=ASIDES)
    outcome = answer(Greedy(), engine)
    assert (outcome.report.answer, outcome.report.prompting, engine.asked) == ("7", None, [])
    assert outcome.prompt is None


def test_step_by_step_ends_the_question_with_its_cue() -> None:
    engine = TableEngine(TABLE, asides=ASIDES)
    outcome = answer(Greedy(prompting="step_by_step"), engine)
    assert engine.asked == [f"{QUESTION}\n\n{STEP_BY_STEP}"]
    assert outcome.report.answer == "8"
    assert outcome.report.num_tokens == 2
    assert outcome.report.prompting is not None
    assert outcome.report.prompting.stage == "step_by_step"
    assert outcome.prompt is not None
    assert engine.words[outcome.prompt.token_ids[-1]] == "<step>"


def test_step_back_answers_with_the_principle_that_it_asked_for() -> None:
    """Two tokens for "Add" and its end, two for "8" and its end."""
    engine = TableEngine(TABLE, asides=ASIDES)
    report = answer(Greedy(prompting="step_back"), engine).report
    assert engine.asked[0] == PRINCIPLE_QUESTION.format(question=QUESTION)
    assert QUESTION in engine.asked[1]
    assert report.answer == "8"
    assert report.prompting is not None
    assert (report.prompting.principle, report.prompting.num_tokens) == ("Add", 2)
    assert report.num_tokens == 4
    assert list(report.phases_ms) == ["prompting", "paths", "select"]


def test_analogical_keeps_the_question() -> None:
    engine = TableEngine(TABLE, asides=ASIDES)
    assert answer(Greedy(prompting="analogical"), engine).report.answer == "8"
    assert engine.asked[0].startswith(QUESTION)


def test_stage_combines_with_a_decoder_that_branches() -> None:
    engine = TableEngine(TABLE, asides=ASIDES)
    report = answer(CoTDecoding(k=2, prompting="step_back"), engine).report
    assert [candidate.answer for candidate in report.candidates] == ["8", "9"]
    assert report.parameters["prompting"] == "step_back"


def test_stage_that_leaves_no_room_is_an_error_that_says_so() -> None:
    engine = TableEngine(TABLE, asides=ASIDES, context_length=2)
    with pytest.raises(UnaskableQuestion, match="leaves no room"):
        answer(Greedy(prompting="analogical"), engine)
    with pytest.raises(UnaskableQuestion, match="no room in the model's context to ask"):
        answer(Greedy(prompting="step_back"), engine)


def test_answer_is_no_longer_than_the_room_that_the_stage_leaves() -> None:
    engine = TableEngine(TABLE, asides=ASIDES, context_length=3)
    outcome = answer(Greedy(prompting="analogical"), engine)
    assert outcome.winner.finish_reason == "length"
    assert len(outcome.winner.token_ids) == 1


def test_prompt_without_a_question_cannot_be_staged() -> None:
    with pytest.raises(ValueError, match="question is known"):
        answer(Greedy(prompting="analogical"), TableEngine(TABLE), question=None)
