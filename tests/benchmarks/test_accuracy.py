from typing import Any

import pytest

from benchmarks.accuracy import (
    Method,
    answer_of_report,
    answer_of_text,
    answer_of_vote,
    score_load,
)
from evaluation.eval_set import Problem
from loadtest.client import Load
from loadtest.request_bodies import greedy, question_with_notes


def reply(*texts: str, num_tokens: int = 0, finish_reason: str = "stop") -> dict[str, Any]:
    return {
        "choices": [
            {"message": {"content": text}, "finish_reason": finish_reason} for text in texts
        ],
        "usage": {"completion_tokens": num_tokens},
    }


def test_plain_reply_is_right_by_its_last_number() -> None:
    problems = [Problem("a", "s", "?", 52), Problem("b", "s", "?", 8)]
    load = Load((reply("57 - 5 = 52.", num_tokens=10), reply("9", num_tokens=20)), wall_s=0.5)
    accuracy = score_load("s", Method("greedy", greedy, answer_of_text), problems, load)
    assert (accuracy.share.num_right, accuracy.share.num_total) == (1, 2)
    assert (accuracy.mean_tokens, accuracy.questions_per_s) == (15, 4)
    assert [solved.answer for solved in accuracy.solved] == [52, 9]


def test_decoded_reply_is_right_by_its_report_and_not_by_its_text() -> None:
    assert answer_of_report(reply("The answer is 7.") | {"decoding": {"answer": "52"}}) == 52
    assert answer_of_report(reply("The answer is 7.") | {"decoding": {"answer": None}}) is None


def test_vote_counts_the_samples_that_came_to_their_end() -> None:
    voted = reply("so 4", "so 5", "so 5")
    assert answer_of_vote(voted) == 5
    voted["choices"][1]["finish_reason"] = "length"
    assert answer_of_vote(voted) == 4
    assert answer_of_vote(reply("so 5", finish_reason="length")) is None


@pytest.mark.parametrize(
    ("question", "notes"),
    [
        ("abc", ["<note>fact</note>", "<note>x</note>", "<note>y</note>"]),
        ("abcd", ["<note>x</note>", "<note>fact</note>", "<note>y</note>"]),
    ],
)
def test_fact_stands_among_the_distractors(question: str, notes: list[str]) -> None:
    system, user = question_with_notes(Problem("a", "s", question, 1, ("fact",), ("x", "y")))
    assert system["role"] == "system"
    assert system["content"].splitlines()[1:] == notes
    assert user == {"role": "user", "content": question}
