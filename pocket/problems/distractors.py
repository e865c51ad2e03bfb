"""Sentences whose numbers a problem does not need."""

from random import Random

from pocket.problems.vocabulary import Slots
from pocket.problems.wording import lines

ONE, TWO = 0.27, 0.06

SENTENCES = lines(
    """
    {D} is {k} years old.
    {D} lives {k} miles from the {place2}.
    It is {k} degrees outside.
    The {place2} opens at {h}.
    The {place2} closes at {h}.
    There are {k} windows in the {place2}.
    {D} has {k} {others}.
    {D} saw {k} {others} at the {place2}.
    The walk to the {place2} takes {k} minutes.
    The {place2} is {k} minutes away.
    {D} bought {k} {others} on {day3}.
    {D} has lived here for {k} years.
    The {place2} has {k} {big} tables.
    On the way there are {k} {beasts2}.
    {D}'s house number is {k}.
    The oldest tree at the {place2} is {k} years old.
    The radio plays {k} songs.
    {D} wears number {k}.
    {D} paid {k} dollars for a hat last year.
    The bus number {k} stops there.
    """
)


def insert_distractors(sentences: list[str], slots: Slots, rng: Random) -> list[str]:
    """The sentences with none, one or two distractors put between or before them."""
    draw = rng.random()
    count = 2 if draw < TWO else 1 if draw < ONE + TWO else 0
    result = list(sentences)
    for choice in rng.sample(SENTENCES, count):
        text = choice.format_map({**slots, "k": rng.randint(2, 60), "h": rng.randint(6, 11)})
        result.insert(rng.randint(0, len(result)), text)
    return result
