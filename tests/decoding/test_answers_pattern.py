"""A pattern of the request finds the answer in bounded time, or is refused with the reason."""

import time

import pytest
from pydantic import ValidationError

from decoding.answers import AnswerPattern, extract_answer, normalize_answer


@pytest.mark.parametrize(
    ("pattern", "text", "stated", "value"),
    [
        (r"\d+", "12 then 345", "345", "345"),
        (r"answer is (.+?)\.", "answer is A. answer is B. C.", "B", "B"),
        (r"(\w+): (?P<answer>\w+)", "x: one y: two", "two", "two"),
        (r"\[(.*)\]", "[ 1,234.50 ]", "1,234.50", "1234.5"),
        (r"\[(.*)\]", "[ New  York ]", "New  York", "New  York"),
        (r"\[(.*)\]", "[12 Angry Men]", "12 Angry Men", "12 Angry Men"),
        (r"= (\d+)|so (\w+)", "= 5, so six", "six", "six"),
        (r"(?P<answer>A)|B", "A B", "B", "B"),
        (r"(?i)ANSWER (\S+)", "é answer ñ", "ñ", "ñ"),
        (r"(?s)<a>(.*?)</a>", "<a>1</a><a>2\n</a>", "2", "2"),
        (r"^\w+$", "one", "one", "one"),
        (r"(?m)^(\w+)$", "one\ntwo\n3 4", "two", "two"),
        (r"\w+", "lone \ud800 surrogate", "surrogate", "surrogate"),
    ],
)
def test_the_last_match_gives_the_answer(pattern: str, text: str, stated: str, value: str) -> None:
    answer_format = AnswerPattern(pattern=pattern)
    answer = extract_answer(text, answer_format)
    assert answer is not None
    assert (answer.value, text[answer.start : answer.end]) == (value, stated)
    assert normalize_answer(stated, answer_format) == value


@pytest.mark.parametrize(("pattern", "text"), [(r"\d+", "none"), (r"<(.*)>", "< >"), ("a", "")])
def test_no_match_or_a_blank_one_is_no_answer(pattern: str, text: str) -> None:
    assert extract_answer(text, AnswerPattern(pattern=pattern)) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "at least 1 character"),
        ("x" * 1001, "at most 1000 characters"),
        ("(a", "missing ): (a"),
        ("a)", "unexpected )"),
        ("[z-a]", "invalid character class range: z-a"),
        ("*", "no argument for repetition operator: *"),
        (r"(?=a)b", "RE2 has no lookaround"),
        (r"(?<!a)b", "RE2 has no lookaround"),
        (r"(a)\1", "RE2 has no backreferences"),
        (r"\Qab", r"\Q must be closed by \E"),
        ("a{5000}", "invalid repetition size: {5000}"),
        ("[^a]{1,900}", "at most 3000 are allowed"),
        (r"\d*", "can match nothing at all"),
        (r"\b", "can match nothing at all"),
        ("\ud800", "unicode"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    started = time.process_time()
    with pytest.raises(ValidationError) as refusal:
        AnswerPattern(pattern=pattern)
    assert time.process_time() - started < 1
    assert reason in refusal.value.errors()[0]["msg"]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="flags"):
        AnswerPattern.model_validate({"pattern": "a", "flags": "i"})


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"(a|aa)+c", r"a.*b|a", r"(\w+\s?)+$", r"(?:a?){400}b", r"a{1,600}"]
)
def test_patterns_that_blow_up_elsewhere_finish(pattern: str) -> None:
    answer_format = AnswerPattern(pattern=pattern)
    started = time.process_time()
    extract_answer("a" * 100_000, answer_format)
    assert time.process_time() - started < 5
