"""Notes that look like the fact a problem needs, and are of no use to it."""

from random import Random

from pocket.problems.vocabulary import draw_slots
from pocket.problems.wording import capitalise, lines

DISTRACTORS = lines(
    """
    The {place2} opens at {h}.
    {crate.a} holds {k} {others}.
    Each {crate.one} of {others} holds {k} {others}.
    {others.a} costs {k} dollars.
    The price of {others.a} is {k} dollars.
    {D} is {k} years old.
    The {blue} book has {k} pages.
    There are {k} pages in the {blue} book.
    The way to the {place2} is {k} miles long.
    The {blue} club has {k} members.
    {others.a} weighs {k} pounds.
    A {blue} bus has {k} seats.
    The oldest tree at the {place2} is {k} years old.
    {D} works at the {place2} on {day}.
    The {place2} is closed on {day}.
    {D} has {k} {others}.
    """
)


def draw_distractor_facts(rng: Random, problem_text: str, count: int) -> tuple[str, ...]:
    """Notes that look like facts but name nothing that `problem_text` names at its core."""
    drawn: list[str] = []
    while len(drawn) < count:
        slots = draw_slots(rng) | {"k": rng.randint(2, 60), "h": rng.randint(6, 11)}
        named = [str(slots[slot]) for slot in ("D", "others", "blue", "place2")]
        if not any(name in problem_text for name in named):
            drawn.append(capitalise(rng.choice(DISTRACTORS).format_map(slots)))
    return tuple(drawn)
