"""From a reply's body to a result, worked out by hand."""

import json
from typing import Any

import pytest

from evaluation.choices import read_choices
from evaluation.folder import Result
from evaluation.questions import Question
from evaluation.replies import NotWinnow, UnreadableReply, answered

QUESTION = Question(id="a", question="How many?", gold=("1,200", "7"))
REPORT = {"answer": "7", "confidence": 0.9, "agreement": 0.5, "fallback": None}


def score(decoder: str, text: str | None, answer: str = "number", **fields: Any) -> Result:
    (choice,) = read_choices([decoder], answer)
    reply = {
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"completion_tokens": 12},
        **fields,
    }
    return answered(QUESTION, choice, 8, 0.25, json.dumps(reply))


def test_plain_reply_is_read_here() -> None:
    result = score("plain", "Some say 8. The answer is $1200.00.")
    assert (result.answer, result.is_right, result.num_tokens) == ("1200", True, 12)
    assert (result.confidence, result.agreement, result.parameters) == (None, None, None)
    assert (result.seconds, result.concurrency, result.error) == (0.25, 8, None)


@pytest.mark.parametrize("text", ["I cannot say.", "", None])
def test_reply_without_an_answer_is_not_right(text: str | None) -> None:
    result = score("plain", text)
    assert (result.answer, result.is_right, result.text) == (None, False, text or "")


def test_answer_of_a_decoder_is_its_report_s_whatever_the_text_says() -> None:
    result = score("cot_decoding", "The answer is 8.", decoding=REPORT)
    assert (result.answer, result.is_right) == ("7", True)
    assert (result.confidence, result.agreement, result.sureness) == (0.9, 0.5, 0.9)


def test_fallback_is_kept_and_agreement_stands_in_for_confidence() -> None:
    report = REPORT | {"answer": None, "confidence": None, "fallback": "no vote"}
    result = score("majority_vote", "?", decoding=report)
    assert (result.answer, result.is_right, result.fallback) == (None, False, "no vote")
    assert result.sureness == 0.5


def test_kind_of_answer_decides_what_is_compared() -> None:
    assert score("plain", "7 of them", answer="number").is_right
    assert not score("plain", "7 of them", answer="text").is_right


def test_reply_without_tokens_has_none() -> None:
    assert score("plain", "7", usage=None).num_tokens is None


def test_missing_report_tells_another_server() -> None:
    with pytest.raises(NotWinnow, match="the server is not Winnow"):
        score("cot_decoding", "7")


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"choices": []}, "choices: "), ({"choices": [{"text": "7"}]}, r"choices\.0\.message: ")],
)
def test_other_bodies_are_no_replies(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UnreadableReply, match=message):
        score("plain", "7", **fields)
