"""Composed stories: a start, some changes and a question, put together at random.

A chain's running value starts as `v` and each clause rewrites it, so any clause can follow any
other. A pair tells two short chains, of A and of D, and asks about both values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pocket.problems.scenes import SCENES, Scene
from pocket.problems.template import Range, Step, Template
from pocket.problems.wording import Alternatives

MIN_STEPS, MAX_STEPS = 2, 4


@dataclass(frozen=True)
class Concept:
    """Ranges of the clause's numbers and its steps, from the value `v` to the value `u`."""

    ranges: tuple[tuple[str, int, int], ...] = ()
    steps: tuple[str, ...] = ()


_ONE = (("n", 2, 60),)
_TWO = (("n", 2, 60), ("m", 2, 60))
_FACTORS = (("n", 2, 12), ("m", 2, 20))
_SMALL = (("n", 2, 9),)

STARTS: Mapping[str, Concept] = {
    "has": Concept((("n", 5, 90),)),
    "groups": Concept(_FACTORS, ("Groups: u = n * m",)),
    "daily": Concept((("n", 2, 20), ("m", 2, 12)), ("Groups: u = n * m",)),
    "kinds": Concept(_TWO, ("Together: u = n + m",)),
    "more_than": Concept(_TWO, ("More: u = n + m",)),
    "fewer_than": Concept((("n", 10, 90), ("m", 2, 60)), ("Less: u = n - m",)),
    "times": Concept((("n", 2, 30), ("m", 3, 9)), ("Times: u = n * m",)),
    "twice": Concept((("n", 2, 45),), ("Double: u = n * 2",)),
    "half_of": Concept((("n", 6, 98),), ("Half: u = n / 2",)),
    "split": Concept((("n", 12, 98), ("m", 2, 9)), ("Share: u = n / m",)),
}
CHANGES: Mapping[str, Concept] = {
    "gain": Concept(_ONE, ("More: u = v + n",)),
    "loss": Concept(_ONE, ("Left: u = v - n",)),
    "gain_groups": Concept(_FACTORS, ("Groups: w = n * m", "More: u = v + w")),
    "loss_groups": Concept(_FACTORS, ("Groups: w = n * m", "Left: u = v - w")),
    "halve": Concept((), ("Half: u = v / 2",)),
    "double": Concept((), ("Double: u = v * 2",)),
    "triple": Concept((), ("Triple: u = v * 3",)),
}
ENDS: Mapping[str, Concept] = {
    "ask_now": Concept(),
    "share": Concept(_SMALL, ("Share: u = v / n",)),
    "pack": Concept((("n", 2, 12),), ("Packs: u = v / n",)),
    "price": Concept(_SMALL, ("Cost: u = v * n",)),
    "more": Concept(_ONE, ("Difference: u = v - n",)),
    "both": Concept(_ONE, ("Together: u = v + n",)),
    "goal": Concept((("n", 5, 99),), ("Missing: u = n - v",)),
    "as_many": Concept(_SMALL, ("Times: u = v * n",)),
    "left_price": Concept((("n", 2, 40), ("m", 2, 9)), ("Left: w = v - n", "Cost: u = w * m")),
    "rest_share": Concept((("n", 2, 40), ("m", 2, 9)), ("Left: w = v - n", "Share: u = w / m")),
    "total_minus": Concept((("n", 5, 99), ("m", 2, 60)), ("Missing: w = n - v", "Left: u = w - m")),
    "with_twice": Concept((), ("Double: w = v * 2", "Together: u = v + w")),
}
PAIR_ENDS: Mapping[str, Step] = {
    "pair_both": Step("Together", "t", "x", "+", "y"),
    "pair_more": Step("Difference", "t", "x", "-", "y"),
}
"""`x` is A's value and `y` is D's."""
PAIR_SHARE = 0.15
_CONCEPTS = {**STARTS, **CHANGES, **ENDS}
_PERSON = re.compile(r"\{[A-D]\b")
_OTHERS_VIEW = str.maketrans({"A": "D", "B": "C", "C": "B"})
_GROWING = frozenset({"double", "triple", "price", "as_many", "with_twice", "left_price"})
_SHRINKING = frozenset({"half_of", "split", "halve", "share", "pack", "rest_share"})
_CHANGE_WEIGHTS = {"gain": 4, "loss": 4, "gain_groups": 2, "loss_groups": 2, "halve": 1}


def draw_chain(rng: Random) -> Template:
    """A random composition of two to four steps."""
    while True:
        (scene,) = rng.choices(SCENES, [scene.weight for scene in SCENES])
        is_pair = rng.random() < PAIR_SHARE and "pair_both" in scene.says
        template = _draw_pair(scene, rng) if is_pair else _draw_single(scene, rng)
        if template is not None and MIN_STEPS <= len(template.steps) <= MAX_STEPS:
            return template


def _draw_single(scene: Scene, rng: Random) -> Template | None:
    start = _pick(scene, STARTS, rng)
    changes = tuple(_pick_change(scene, rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 2))))
    end = "ask_now" if rng.random() < 0.4 else _pick(scene, ENDS, rng)
    return compose(scene, start, changes, end) if _has_numbers((start, *changes, end)) else None


def _draw_pair(scene: Scene, rng: Random) -> Template | None:
    first, second = (
        (_pick(scene, STARTS, rng), *(_pick_change(scene, rng) for _ in range(rng.randint(0, 1))))
        for _ in range(2)
    )
    fits = _has_numbers(first) and _has_numbers(second)
    return compose_pair(scene, first, second, rng.choice(list(PAIR_ENDS))) if fits else None


def _has_numbers(names: tuple[str, ...]) -> bool:
    """Whether enough numbers up to 99 solve the chain."""
    growing, shrinking = (sum(name in kind for name in names) for kind in (_GROWING, _SHRINKING))
    return growing <= 1 and shrinking <= 2


def compose(scene: Scene, start: str, changes: tuple[str, ...], end: str) -> Template:
    """The template of one composition, named for it."""
    story = _tell(scene, (start, *changes, end))
    return Template(
        name=f"chain:{scene.name}:{'+'.join((start, *changes, end))}",
        ranges=story.ranges,
        parts=story.parts[:-1],
        ask=story.parts[-1],
        steps=story.steps,
        choose=scene.choose,
    )


def compose_pair(
    scene: Scene, first: tuple[str, ...], second: tuple[str, ...], end: str
) -> Template:
    """What `first` tells of A and `second` tells of D, and a question about both."""
    mine = _tell(scene, first)
    other = _tell(scene, second, start=len(first), people=_OTHERS_VIEW)
    asked = PAIR_ENDS[end]
    last = _rename(asked, {"x": mine.value, "y": other.value})
    return Template(
        name=f"pair:{scene.name}:{'+'.join(first)}:{'+'.join(second)}:{end}",
        ranges=mine.ranges + other.ranges,
        parts=mine.parts + other.parts,
        ask=scene.says[end],
        steps=(*mine.steps, *other.steps, last),
        choose=scene.choose,
    )


@dataclass(frozen=True)
class _Told:
    """Clauses in order, and the variable that holds their value."""

    ranges: tuple[Range, ...]
    parts: tuple[Alternatives, ...]
    steps: tuple[Step, ...]
    value: str


def _tell(
    scene: Scene, names: tuple[str, ...], start: int = 0, people: Mapping[int, str] | None = None
) -> _Told:
    """The clauses of `names`, their variables numbered from `start`."""
    ranges: list[Range] = []
    steps: list[Step] = []
    value = f"n{start}"
    for index, name in enumerate(names, start):
        concept = _CONCEPTS[name]
        ranges += [Range(f"{name}{index}", low, high) for name, low, high in concept.ranges]
        renamed = {"v": value, **{name: f"{name}{index}" for name in "nmwu"}}
        steps += [_rename(Step.parse(step), renamed) for step in concept.steps]
        value = f"u{index}" if concept.steps else value
    parts = tuple(_wordings(scene, name, i, people or {}) for i, name in enumerate(names, start))
    return _Told(tuple(ranges), parts, tuple(steps), value)


def _pick(scene: Scene, concepts: Mapping[str, Concept], rng: Random) -> str:
    names = [name for name in concepts if name in scene.says]
    return rng.choices(names, [3.0 if name == "has" else 1.0 for name in names])[0]


def _pick_change(scene: Scene, rng: Random) -> str:
    names = [name for name in CHANGES if name in scene.says]
    return rng.choices(names, [_CHANGE_WEIGHTS.get(name, 0.5) for name in names])[0]


def _rename(step: Step, names: Mapping[str, str]) -> Step:
    left, right, result = (names.get(side, side) for side in (step.left, step.right, step.result))
    return Step(step.label, result, left, step.operator, right)


def _wordings(scene: Scene, concept: str, index: int, people: Mapping[int, str]) -> Alternatives:
    """Wordings with the numbers of this clause, and with other people where `people` says so."""
    return tuple(
        _PERSON.sub(lambda slot: slot[0].translate(people), text)
        .replace("{n}", f"{{n{index}}}")
        .replace("{m}", f"{{m{index}}}")
        for text in scene.says[concept]
    )
