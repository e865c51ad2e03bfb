"""Hand-written stories, one TOML file for each theme.

A story is a table of a name, `ranges` like `a:2-9 b:5-40`, `parts` (each a list of wordings), `ask`
(wordings of the question) and `steps` like `Left: t = s - c`. It may also have `num_free` (the
first parts may come in any order), `fact` (wordings of a sentence that the question needs and the
story leaves out) and `choose` (its own words: `plums/plum|figs/fig` or `sells|trades`).
"""

import tomllib
from importlib.resources import files
from typing import Any

from pocket.problems.template import Range, Step, Template
from pocket.problems.vocabulary import parse_choices


def load_stories(name: str) -> tuple[Template, ...]:
    """The stories of `name`.toml, in its order."""
    text = (files(__name__) / f"{name}.toml").read_text()
    return parse_stories(text)


def parse_stories(text: str) -> tuple[Template, ...]:
    return tuple(_parse_story(table) for table in tomllib.loads(text)["story"])


def _parse_story(table: dict[str, Any]) -> Template:
    """Any: what TOML gives. An unknown key is an error, so that no wording is lost to a typo."""
    return Template(
        **table
        | {
            "ranges": tuple(_parse_range(item) for item in table["ranges"].split()),
            "parts": tuple(tuple(part) for part in table["parts"]),
            "ask": tuple(table["ask"]),
            "steps": tuple(Step.parse(step) for step in table["steps"]),
            "fact": tuple(table.get("fact", ())),
            "choose": parse_choices(table.get("choose", {})),
        }
    )


def _parse_range(text: str) -> Range:
    variable, bounds = text.split(":")
    low, high = bounds.split("-")
    return Range(variable, int(low), int(high))
