import re
from random import Random

from pocket.chat import ASSISTANT, END, NOTES_HEADER, Example
from pocket.mixture import (
    draw_example,
    fact_in_notes,
    few_shot_completion,
    plain,
    requested_steps,
    solved_examples,
)
from pocket.problems.catalog import HELD_OUT, draw_training_template
from pocket.problems.template import draw_problem
from pocket.replies import STEP_OPENERS, STEPS_SHARE, Sum, draw_sum, reply_to_sum


def body(example: Example) -> str:
    return example.reply.strip().removesuffix(END)


def is_worked(example: Example) -> bool:
    return " = " in example.reply


def test_same_seed_gives_same_examples() -> None:
    drawn = [[draw_example(Random(5), "styles", True) for _ in range(20)] for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_replies_end_with_the_answer_and_the_end_token() -> None:
    rng = Random(1)
    for _ in range(500):
        example = plain(rng, "styles")
        assert re.search(r"answer is \d+\.<\|end\|>$", example.reply), example
        assert example.prompt.endswith(ASSISTANT)


def test_style_is_drawn_as_often_as_stated() -> None:
    """Binomial(2000, 0.4) has a standard deviation of 22; the bounds are four of them."""
    rng = Random(2)
    worked = sum(is_worked(plain(rng, "styles")) for _ in range(2000))
    assert abs(worked - 2000 * STEPS_SHARE) < 90


def test_skills_are_always_worked() -> None:
    rng = Random(3)
    assert all(is_worked(plain(rng, "skills")) for _ in range(200))


def test_a_request_or_a_worked_note_brings_a_worked_reply() -> None:
    rng = Random(4)
    for make in (requested_steps, solved_examples):
        assert all(is_worked(make(rng, "styles")) for _ in range(200))


def test_few_shot_reply_is_worked_when_the_shots_are() -> None:
    rng = Random(6)
    for _ in range(200):
        example = few_shot_completion(rng, "styles")
        assert not (" = " in example.prompt and not is_worked(example))


def test_needed_fact_stands_in_the_notes_only() -> None:
    rng = Random(7)
    for _ in range(200):
        system, user = fact_in_notes(rng, "skills").prompt.split("<|user|>")
        assert NOTES_HEADER in system
        assert "<note>" in system
        assert "<note>" not in user


def test_openings_recur_with_equal_chance() -> None:
    rng = Random(8)
    replies = [plain(rng, "skills").reply for _ in range(2200)]
    counts = [sum(reply.startswith(opener) for reply in replies) for opener in STEP_OPENERS]
    assert sum(counts) == 2200
    assert min(counts) > 130


def test_sums_are_right_and_within_range() -> None:
    rng = Random(9)
    for _ in range(1000):
        item = draw_sum(rng)
        assert eval(item.text) == item.result
        assert 1 <= item.result <= 99
    assert reply_to_sum(Sum(2, "+", 3, 5)) == "2 + 3 = 5. The answer is 5."


def test_no_held_out_template_in_examples() -> None:
    """Held-out stories are known by their questions, which share no sentence with training."""
    rng = Random(10)
    held = {draw_problem(t, rng).question.split(". ")[-1] for t in HELD_OUT for _ in range(40)}
    held = {re.sub(r"\b[A-Z]\w+|\d+", "_", text) for text in held}
    for _ in range(3000):
        question = draw_problem(draw_training_template(rng), rng).question.split(". ")[-1]
        assert re.sub(r"\b[A-Z]\w+|\d+", "_", question) not in held
