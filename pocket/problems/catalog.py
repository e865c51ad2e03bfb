"""Which templates are trained on and which are held out."""

from random import Random

from pocket.problems.chains import draw_chain
from pocket.problems.stories import load_stories
from pocket.problems.template import Template

THEMES = ("goods", "people", "work", "comparisons", "food", "labor", "money", "town")
TRAINING = tuple(template for theme in THEMES for template in load_stories(theme))
FACT_DEPENDENT = load_stories("fact_dependent")
HELD_OUT = load_stories("held_out")

CHAIN_SHARE = 0.4


def draw_training_template(rng: Random) -> Template:
    """A hand-written story or a chain."""
    return draw_chain(rng) if rng.random() < CHAIN_SHARE else rng.choice(TRAINING)
