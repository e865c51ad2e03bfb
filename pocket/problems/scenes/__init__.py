"""The scenes in which composed stories play, one TOML file each: how a scene says each concept.

`{n}` and `{m}` are the clause's numbers. A scene's `choose` holds its own words, and `weight` says
how often it is drawn: a scene with more to say weighs more. Concepts are defined in
`pocket.problems.chains`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from pocket.problems.vocabulary import Choices, parse_choices
from pocket.problems.wording import Alternatives

FOLDER = files(__name__)


@dataclass(frozen=True)
class Scene:
    name: str
    weight: float
    says: Mapping[str, Alternatives]
    choose: Choices = ()


def parse_scene(text: str) -> Scene:
    table = tomllib.loads(text)
    return Scene(**table | {"says": _tuples(table["says"]), "choose": _choices(table)})


def _choices(table: Mapping[str, Mapping[str, str]]) -> Choices:
    return parse_choices(table.get("choose", {}))


def _tuples(says: Mapping[str, list[str]]) -> Mapping[str, Alternatives]:
    return {concept: tuple(wordings) for concept, wordings in says.items()}


SCENES = tuple(
    parse_scene(file.read_text())
    for file in sorted(FOLDER.iterdir(), key=lambda file: file.name)
    if file.name.endswith(".toml")
)
