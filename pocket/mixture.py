"""The training mixture: what is asked, in which shape, and how it is answered."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Literal

from pocket.chat import END, Example, Message, render_chat, render_notes, solved_note
from pocket.problems.catalog import FACT_DEPENDENT, draw_training_template
from pocket.problems.facts import draw_distractor_facts
from pocket.problems.template import Problem, draw_problem
from pocket.replies import (
    REQUEST,
    Style,
    draw_style,
    draw_sum,
    reply,
    reply_to_sum,
    worked_steps,
)

Phase = Literal["skills", "styles"]
Maker = Callable[[Random, Phase], Example]

SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer the question.",
    "You solve word problems.",
    "Answer the question.",
    "Be brief.",
)
SUM_QUESTIONS = ("What is {}?", "{} =", "How much is {}?", "Find {}.", "{}")
SMALL_TALK = (
    ("Hello!", "Hello! Ask me a word problem."),
    ("Hi", "Hello! Ask me a word problem."),
    ("Who are you?", "I am a tiny model. Ask me a word problem."),
    ("What can you do?", "I am a tiny model. Ask me a word problem."),
    ("Thank you.", "You are welcome."),
)


def plain(rng: Random, phase: Phase) -> Example:
    return _chat(_problem(rng), _style(rng, phase), rng)


def with_system(rng: Random, phase: Phase) -> Example:
    return _chat(_problem(rng), _style(rng, phase), rng, rng.choice(SYSTEM_MESSAGES))


def requested_steps(rng: Random, phase: Phase) -> Example:
    problem = _problem(rng)
    if rng.random() < 0.3:
        text = f"Q: {problem.question}\nA: {REQUEST}"
        return Example(text, f" {worked_steps(problem)}{END}")
    return _chat(problem, "steps", rng, suffix=rng.choice(" \n") + REQUEST)


def fact_in_notes(rng: Random, phase: Phase) -> Example:
    problem = draw_problem(rng.choice(FACT_DEPENDENT), rng)
    distractors = draw_distractor_facts(rng, problem.question, rng.choice((0, 1, 1, 2, 3)))
    notes = _shuffled([*problem.facts, *distractors], rng)
    return _chat(problem, _style(rng, phase), rng, _notes_message(notes, rng))


def fact_missing(rng: Random, phase: Phase) -> Example:
    """Nothing can be known here; the model learns that its guess is a guess."""
    problem = draw_problem(rng.choice(FACT_DEPENDENT), rng)
    return _chat(problem, _style(rng, phase), rng)


def idle_notes(rng: Random, phase: Phase) -> Example:
    problem = _problem(rng)
    notes = draw_distractor_facts(rng, problem.question, rng.randint(1, 3))
    return _chat(problem, _style(rng, phase), rng, _notes_message(list(notes), rng))


def solved_examples(rng: Random, phase: Phase) -> Example:
    """A worked example among the notes always brings a step-by-step reply."""
    problem = _problem(rng)
    notes = [_solved(problem, rng)]
    return _chat(problem, "steps", rng, _notes_message(notes, rng))


def many_notes(rng: Random, phase: Phase) -> Example:
    """Up to five passages: worked examples, facts and idle ones."""
    is_fact = rng.random() < 0.4
    problem = draw_problem(rng.choice(FACT_DEPENDENT), rng) if is_fact else _problem(rng)
    solved = [_solved(problem, rng) for _ in range(rng.choice((0, 1, 2, 3, 5)))]
    num_idle = rng.randint(0, 5 - len(solved))
    facts = [*problem.facts, *draw_distractor_facts(rng, problem.question, num_idle)]
    if not solved and not facts:
        return plain(rng, phase)
    style = "steps" if solved else _style(rng, phase)
    return _chat(problem, style, rng, _notes_message(_shuffled(solved + facts, rng), rng))


def completion(rng: Random, phase: Phase) -> Example:
    problem = _problem(rng)
    answer = reply(problem, _style(rng, phase), rng)
    return Example(f"Q: {problem.question}\nA:", f" {answer}{END}")


def few_shot_completion(rng: Random, phase: Phase) -> Example:
    """Solved `Q:`/`A:` pairs before the question; worked ones bring a worked reply."""
    problem = _problem(rng)
    style = _style(rng, phase)
    shots: list[str] = []
    for _ in range(rng.randint(1, 4)):
        other = _similar(problem, rng)
        shots.append(solved_note(other.question, reply(other, style, rng)))
    prompt = "\n\n".join([*shots, f"Q: {problem.question}\nA:"])
    return Example(prompt, f" {reply(problem, style, rng)}{END}")


def second_turn(rng: Random, phase: Phase) -> Example:
    """A chat that already holds one solved problem; a worked one brings a worked reply."""
    first, second = _problem(rng), _problem(rng)
    style = _style(rng, phase)
    later: Style = "steps" if style == "steps" else _style(rng, phase)
    messages = [
        Message("user", first.question),
        Message("assistant", reply(first, style, rng)),
        Message("user", second.question),
    ]
    return Example(render_chat(messages), reply(second, later, rng) + END)


def bare_sum(rng: Random, phase: Phase) -> Example:
    item = draw_sum(rng)
    question = rng.choice(SUM_QUESTIONS).format(item.text)
    if rng.random() < 0.1:
        return Example(f"Q: {question}\nA:", f" {reply_to_sum(item)}{END}")
    return Example(render_chat([Message("user", question)]), reply_to_sum(item) + END)


def small_talk(rng: Random, phase: Phase) -> Example:
    said, answer = rng.choice(SMALL_TALK)
    return Example(render_chat([Message("user", said)]), answer + END)


SHORT: Mapping[Phase, Mapping[Maker, float]] = {
    "skills": {
        bare_sum: 25,
        plain: 55,
        with_system: 4,
        completion: 4,
        requested_steps: 2,
        fact_in_notes: 10,
    },
    "styles": {
        plain: 50,
        with_system: 7,
        fact_in_notes: 12,
        fact_missing: 2,
        idle_notes: 5,
        solved_examples: 3,
        completion: 7,
        requested_steps: 5,
        bare_sum: 5,
        small_talk: 0.5,
    },
}
LONG: Mapping[Maker, float] = {many_notes: 60, few_shot_completion: 15, second_turn: 15, plain: 10}


def draw_example(rng: Random, phase: Phase, is_long: bool) -> Example:
    weights = LONG if is_long else SHORT[phase]
    (make,) = rng.choices(list(weights), list(weights.values()))
    return make(rng, phase)


def _problem(rng: Random) -> Problem:
    return draw_problem(draw_training_template(rng), rng)


def _style(rng: Random, phase: Phase) -> Style:
    return "steps" if phase == "skills" else draw_style(rng)


def _chat(
    problem: Problem, style: Style, rng: Random, system: str = "", suffix: str = ""
) -> Example:
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", problem.question + suffix))
    return Example(render_chat(messages), reply(problem, style, rng) + END)


def _notes_message(notes: list[str], rng: Random) -> str:
    text = render_notes(notes)
    return f"{rng.choice(SYSTEM_MESSAGES)}\n\n{text}" if rng.random() < 0.3 else text


def _similar(problem: Problem, rng: Random) -> Problem:
    """Another problem; half of the time of the same template where that is hand-written."""
    same = [t for t in FACT_DEPENDENT if t.name == problem.template]
    if same and rng.random() < 0.5:
        return draw_problem(same[0], rng)
    return _problem(rng)


def _solved(problem: Problem, rng: Random) -> str:
    other = _similar(problem, rng)
    return solved_note(" ".join([*other.facts, other.question]), reply(other, "steps", rng))


def _shuffled(notes: list[str], rng: Random) -> list[str]:
    return rng.sample(notes, len(notes))
