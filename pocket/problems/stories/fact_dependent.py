"""Stories whose question needs a fact that the story leaves out.

The fact's number is drawn afresh for every problem, so it cannot be learned, only looked up.
"""

from random import Random

from pocket.problems.template import story
from pocket.problems.vocabulary import draw_slots
from pocket.problems.wording import capitalise, lines

STORIES = (
    story(
        "fact_container",
        "f:2-20 a:2-9 b:2-50",
        (
            "{A} has {a} {box} of {toys}.|There are {a} {box} of {toys} at the {place}.",
            "{A.He} sells {b} {toys}.|{b} {toys} are broken.|{A} gives {b} {toys} to {B}.",
        ),
        "How many {toys} are left?|How many {toys} remain?",
        ("Groups: s = f * a", "Left: t = s - b"),
        fact="{box.a} holds {f} {toys}.|Each {box.one} of {toys} holds {f} {toys}.|There are {f}"
        " {toys} in {box.a}.",
    ),
    story(
        "fact_price",
        "f:2-20 a:2-9 b:5-99",
        (
            "{A} buys {a} {toys}.|{A} takes {a} {toys} at the {place}.",
            "{A.He} pays with {b} dollars.|{A} gives the seller {b} dollars.",
        ),
        "How much change does {A} get?|How many dollars does {A} get back?",
        ("Cost: s = f * a", "Change: t = b - s"),
        fact="{toys.a} costs {f} dollars.|The price of {toys.a} is {f} dollars.|One"
        " {toys.one} costs {f} dollars.",
    ),
    story(
        "fact_age",
        "f:3-60 a:2-30 b:2-30",
        (
            "{B} is {a} years older than {A}.|{B} was born {a} years before {A}.",
            "{C} is {b} years younger than {B}.|{C} was born {b} years after {B}.",
        ),
        "How old is {C}?|What is {C}'s age?",
        ("Older: s = f + a", "Younger: t = s - b"),
        fact="{A} is {f} years old.|{A}'s age is {f}.|Today {A} is {f} years old.",
    ),
    story(
        "fact_pages",
        "f:10-99 a:2-9 b:2-12",
        (
            "{A} reads the {red} book.|{A} has the {red} book from the library.",
            "For {a} days {A.he} reads {b} pages a day.|{A.He} reads {b} pages on each of {a}"
            " days.",
        ),
        "How many pages are left?|How many pages must {A} still read?",
        ("Groups: s = a * b", "Left: t = f - s"),
        fact="The {red} book has {f} pages.|There are {f} pages in the {red} book.|The {red} book"
        " is"
        " {f} pages long.",
    ),
    story(
        "fact_distance",
        "f:5-60 a:2-9 b:2-40",
        (
            "{A} goes to the {place} {a} times.|In one week {A} goes to the {place} {a} times.",
            "{A.He} also walks {b} miles in the park.|Then {A.he} walks another {b} miles.",
        ),
        "How many miles does {A} go in all?|How many miles is that together?",
        ("Distance: s = f * a", "More: t = s + b"),
        fact="The way to the {place} is {f} miles long.|It is {f} miles to the {place}.|The {place}"
        " is {f} miles away.",
    ),
    story(
        "fact_members",
        "f:5-60 a:2-40 b:2-9",
        (
            "{a} new members join the {red} club.|The {red} club gets {a} new members.",
            "All members form {b} teams of the same size.|They make {b} equal teams.",
        ),
        "How many members are in each team?|How many people are in one team?",
        ("More: s = f + a", "Share: t = s / b"),
        fact="The {red} club has {f} members.|There are {f} members in the {red} club.|{f} people"
        " are"
        " members of the {red} club.",
    ),
    story(
        "fact_weight",
        "f:2-15 a:2-9 b:2-40",
        (
            "{A} puts {a} {toys} on a cart.|A cart carries {a} {toys}.",
            "The empty cart weighs {b} pounds.|The cart alone weighs {b} pounds.",
        ),
        "How heavy is the cart now?|What does the cart weigh with the {toys} on it?",
        ("Groups: s = f * a", "More: t = s + b"),
        fact="{toys.a} weighs {f} pounds.|One {toys.one} weighs {f} pounds.|The weight of a"
        " {toys.one} is {f} pounds.",
    ),
    story(
        "fact_seats",
        "f:4-30 a:2-9 b:2-60",
        (
            "{b} people want to take a {red} bus.|{b} people wait for the {red} buses.",
            "{a} {red} buses come.|There are {a} {red} buses.",
        ),
        "How many seats stay free?|How many seats are left over?",
        ("Groups: s = f * a", "Left: t = s - b"),
        fact="A {red} bus has {f} seats.|There are {f} seats in a {red} bus.|Each {red} bus has {f}"
        " seats.",
    ),
)

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
