"""Words that may open a sentence and change nothing."""

from random import Random

from pocket.problems.vocabulary import PEOPLE
from pocket.problems.wording import capitalise, lines, words

SHARE = 0.12
LEAD_INS = lines(
    """
    In the morning,
    In the afternoon,
    In the evening,
    Later,
    Today,
    One day,
    As it happens,
    At noon,
    After lunch,
    That week,
    Luckily,
    Now
    """
)
QUESTION_LEAD_INS = lines(
    """
    Now,
    So
    In the end,
    Tell me:
    """
)
_KEEP_CASE = {person.name for person in PEOPLE}
_OPEN_ALREADY = frozenset(
    words("On In At Then Later After For Today Until By Sadly Now From When While Before With One")
)


def lead_in(sentence: str, rng: Random) -> str:
    return _prepend(sentence, LEAD_INS, rng)


def lead_in_question(sentence: str, rng: Random) -> str:
    """Only where the question is the first thing said."""
    return _prepend(sentence, QUESTION_LEAD_INS, rng) if sentence.startswith("How") else sentence


def _prepend(sentence: str, choices: tuple[str, ...], rng: Random) -> str:
    first, _, rest = sentence.partition(" ")
    if rng.random() >= SHARE or first.strip(",") in _OPEN_ALREADY or first[0].isdigit():
        return sentence
    kept = first.strip(",").removesuffix("'s") in _KEEP_CASE
    return capitalise(f"{rng.choice(choices)} {first if kept else first.lower()} {rest}")
