"""Hostile replies: extraction stays fast, never raises, and spans lie within the text."""

import random
import time

import pytest

from decoding.answers import AnswerFormat, AnswerPattern, extract_answer, normalize_answer

FORMATS: list[AnswerFormat] = ["auto", "number", "option", "yes_no", "boxed", "text"]
FORMATS.append(AnswerPattern(pattern=r"(?P<answer>\d+)|\w"))

HOSTILE = {
    "list": "1," * 50_000,
    "digits": "1" * 100_000,
    "digits after a letter": "x" + "1" * 100_000,
    "groups": "1 111 " * 16_000,
    "one grouped number": "1" + ",111" * 25_000,
    "slashes": "1/" * 50_000,
    "colons": "1:" * 50_000,
    "powers": "2^" * 50_000,
    "exponents": "1e" * 50_000,
    "huge exponent": "1e" + "9" * 100_000,
    "mixed": "1 1/" * 25_000,
    "signs": "- " * 50_000,
    "equations": "1 = " * 25_000,
    "devanagari list": "१," * 50_000,
    "fractions": r"\frac{" * 16_000,
    "huge fraction": r"\frac{" + "1" * 50_000 + "}{" + "3" * 50_000 + "}",
    "braces": "{" * 50_000,
    "open boxes": r"\boxed{" * 20_000,
    "nested boxes": r"\boxed{" * 12_000 + "}" * 12_000,
    "nested text": r"\boxed{" + r"\text{" * 15_000 + "}" * 15_001,
    "markers": "the answer is " * 7_000,
    "marker and filler": "answer is " + "about " * 16_000,
    "labels": "A:\n" * 30_000,
    "hashes": "#" * 100_000,
    "questions": "a\nQ:\n" * 20_000,
    "listed options": "A.\n" * 30_000,
    "brackets": "(A" * 50_000,
    "no": "no " * 33_000,
    "newlines": "\n" * 100_000,
    "spaces": "yes" + " " * 100_000 + "x",
    "stars": "A" + "*" * 100_000,
    "dollars": "$" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_reply_takes_time_linear_in_its_length(name: str) -> None:
    # About 0.1 s each; anything quadratic takes minutes.
    for answer_format in FORMATS:
        started = time.process_time()
        extract_answer(HOSTILE[name], answer_format)
        assert time.process_time() - started < 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_reference_takes_time_linear_in_its_length(name: str) -> None:
    started = time.process_time()
    normalize_answer(HOSTILE[name])
    assert time.process_time() - started < 3


PIECES = [
    *"0123456789.,-/ \n=+*()$%{}\\:ABIab'^_e½१７−。？\ud800",
    *("\\boxed{", "\\frac{", "}{", "\\text{", "\\left", "\\,", "{,}", "^{", "2^", "\\$"),
    *("The answer is ", "A: ", "#### ", "Q: ", "उत्तर ", "option C", "(B)", "yes", "No."),
    *("1,000", "80 000", "1.234,5", " million", "1 1/2", "10:30", "05/01/2021", "Rs ", "x = "),
]


@pytest.mark.parametrize("seed", range(100))
def test_any_text_gives_a_span_within_it_and_a_value_in_normal_form(seed: int) -> None:
    draw = random.Random(seed)
    text = "".join(draw.choices(PIECES, k=draw.randint(1, 14)))
    for answer_format in FORMATS:
        answer = extract_answer(text, answer_format)
        normalize_answer(text, answer_format)
        if answer is not None:
            assert 0 <= answer.start < answer.end <= len(text)
            assert normalize_answer(answer.value, answer_format) == answer.value
