"""Which templates are trained on and which are held out."""

from random import Random

from pocket.problems.chains import draw_chain
from pocket.problems.stories import fact_dependent, goods, held_out, people, work
from pocket.problems.template import Template, structure

TRAINING = goods.STORIES + work.STORIES + people.STORIES
FACT_DEPENDENT = fact_dependent.STORIES
HELD_OUT = held_out.STORIES
HELD_OUT_STRUCTURES = frozenset(structure(template.steps) for template in held_out.NEW_STRUCTURES)

CHAIN_SHARE = 0.55


def draw_training_template(rng: Random) -> Template:
    """A hand-written story or a chain; never one whose solution is built like a held-out one."""
    if rng.random() >= CHAIN_SHARE:
        return rng.choice(TRAINING)
    while True:
        template = draw_chain(rng)
        if structure(template.steps) not in HELD_OUT_STRUCTURES:
            return template
