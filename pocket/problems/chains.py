"""Composed stories: a start, some changes and a question, put together at random.

A chain's running value starts as `v` and each clause rewrites it, so any clause can follow any
other. This is where most of the variety in the training stories comes from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pocket.problems.scenes import SCENES, SHARED, Scene
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
    "with_twice": Concept((), ("Double: w = v * 2", "Together: u = v + w")),
}
_GROWING = frozenset({"double", "triple", "price", "as_many", "with_twice"})
_SHRINKING = frozenset({"half_of", "split", "halve", "share", "pack"})
_CHANGE_WEIGHTS = {"gain": 4, "loss": 4, "gain_groups": 2, "loss_groups": 2, "halve": 1}


def draw_chain(rng: Random) -> Template:
    """A random composition of two to four steps."""
    while True:
        scene = rng.choice(SCENES)
        start = _pick(scene, STARTS, rng)
        changes = [_pick_change(scene, rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 2)))]
        end = "ask_now" if rng.random() < 0.4 else _pick(scene, ENDS, rng)
        template = compose(scene, start, tuple(changes), end)
        fits = _has_numbers((start, *changes, end))
        if fits and MIN_STEPS <= len(template.steps) <= MAX_STEPS:
            return template


def _has_numbers(names: tuple[str, ...]) -> bool:
    """Whether enough numbers up to 99 solve the chain."""
    growing, shrinking = (sum(name in kind for name in names) for kind in (_GROWING, _SHRINKING))
    return growing <= 1 and shrinking <= 2


def compose(scene: Scene, start: str, changes: tuple[str, ...], end: str) -> Template:
    """The template of one composition, named for it."""
    concepts = [STARTS[start], *(CHANGES[name] for name in changes), ENDS[end]]
    ranges: list[Range] = []
    steps: list[Step] = []
    value = "n0"
    for index, concept in enumerate(concepts):
        ranges += [Range(f"{name}{index}", low, high) for name, low, high in concept.ranges]
        renamed = {"v": value, **{name: f"{name}{index}" for name in "nmwu"}}
        steps += [_rename(Step.parse(step), renamed) for step in concept.steps]
        value = f"u{index}" if concept.steps else value
    names = [start, *changes, end]
    parts = [_wordings(scene, name, index) for index, name in enumerate(names)]
    return Template(
        name=f"chain:{scene.name}:{'+'.join(names)}",
        ranges=tuple(ranges),
        parts=tuple(parts[:-1]),
        ask=parts[-1],
        steps=tuple(steps),
        fixed=(("things", scene.things),) if scene.things else (),
    )


def _pick(scene: Scene, concepts: Mapping[str, Concept], rng: Random) -> str:
    names = [name for name in concepts if name in scene.says]
    return rng.choices(names, [3.0 if name == "has" else 1.0 for name in names])[0]


def _pick_change(scene: Scene, rng: Random) -> str:
    names = [name for name in CHANGES if name in scene.says]
    return rng.choices(names, [_CHANGE_WEIGHTS.get(name, 0.5) for name in names])[0]


def _rename(step: Step, names: Mapping[str, str]) -> Step:
    left, right, result = (names.get(side, side) for side in (step.left, step.right, step.result))
    return Step(step.label, result, left, step.operator, right)


def _wordings(scene: Scene, concept: str, index: int) -> Alternatives:
    shared = (text.replace("{things", f"{{{scene.noun}") for text in SHARED.get(concept, ()))
    texts = (*scene.says[concept], *shared)
    return tuple(
        text.replace("{n}", f"{{n{index}}}").replace("{m}", f"{{m{index}}}") for text in texts
    )
