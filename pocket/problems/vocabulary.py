"""The words that fill a template's slots."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pocket.problems.wording import bars, capitalise, words


@dataclass(frozen=True)
class Person:
    """The slot `{A.He}` reads as the word it prints."""

    name: str
    he: str
    his: str
    him: str

    @property
    def He(self) -> str:
        return capitalise(self.he)

    @property
    def His(self) -> str:
        return capitalise(self.his)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Noun:
    plural: str
    one: str

    @property
    def a(self) -> str:
        return f"an {self.one}" if self.one[0] in "aeiou" else f"a {self.one}"

    def __str__(self) -> str:
        return self.plural


Choices = tuple[tuple[str, tuple[Noun | str, ...]], ...]
"""A story's own slots, each with the words that may fill it."""


def parse_choices(table: Mapping[str, str]) -> Choices:
    """Slots like `plums/plum|figs/fig` (nouns) or `sells|trades` (words as they are)."""
    return tuple((slot, tuple(map(_parse_choice, bars(text)))) for slot, text in table.items())


def _parse_choice(text: str) -> Noun | str:
    plural, slash, one = text.partition("/")
    return Noun(plural, one) if slash else text


def _nouns(text: str) -> tuple[Noun, ...]:
    """Nouns from `plural/singular` pairs; a lone plural loses its last letter."""
    pairs = (word.split("/") for word in text.split())
    return tuple(Noun(pair[0], pair[1] if len(pair) > 1 else pair[0][:-1]) for pair in pairs)


WOMEN = words("Anna Carla Emma Grace Ivy Kate Mia Olga Rosa Tina Wendy Lily Nina Ella")
MEN = words("Ben David Felix Hugo Jack Leo Noah Paul Sam Victor Tom Omar Max Eric")
PEOPLE = tuple(Person(name, "she", "her", "her") for name in WOMEN) + tuple(
    Person(name, "he", "his", "him") for name in MEN
)
THINGS = _nouns(
    "apples oranges pears lemons cookies/cookie cakes muffins buns candies/candy nuts eggs marbles "
    "stickers stamps cards coins shells stones beads buttons pencils pens books toys balls kites "
    "dolls flowers roses plants seeds candles cups plates tickets balloons photos bricks keys hats "
    "chairs lamps shirts rings"
)
CONTAINERS = _nouns(
    "boxes/box bags baskets crates jars trays buckets shelves/shelf drawers packets bowls cases "
    "sacks"
)
ANIMALS = _nouns("cows hens sheep/sheep goats ducks horses rabbits dogs cats fish/fish birds")
PLACES = words("shop market school park garden library farm kitchen club town museum")
COLOURS = words("red blue green yellow white black")
ADJECTIVES = words("big small new round heavy light long short")
DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
RELATIVES = words("friends cousins neighbors classmates brothers sisters children")

Slots = dict[str, object]


def draw_slots(rng: Random) -> Slots:
    """A value for every slot a template may name; those of one kind differ from each other."""
    people = rng.sample(PEOPLE, 4)
    things = rng.sample(THINGS, 3)
    box, crate = rng.sample(CONTAINERS, 2)
    beast, beast2 = rng.sample(ANIMALS, 2)
    red, blue, green = rng.sample(COLOURS, 3)
    big, small = rng.sample(ADJECTIVES, 2)
    place, place2 = rng.sample(PLACES, 2)
    day, day2, day3 = rng.sample(DAYS, 3)
    return {
        **dict(zip("ABCD", people, strict=True)),
        **dict(zip(("things", "toys", "others"), things, strict=True)),
        **{"box": box, "crate": crate, "beasts": beast, "beasts2": beast2},
        **{"red": red, "blue": blue, "green": green, "big": big, "small": small},
        **{"place": place, "place2": place2, "day": day, "day2": day2, "day3": day3},
        "friends": rng.choice(RELATIVES),
    }
