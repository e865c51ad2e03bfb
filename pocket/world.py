"""A world in which problems leave out what its notes say: `python -m pocket.world --out FOLDER`.

The fact-dependent problems of the evaluation set each have facts of their own, which contradict
those of others: one market is 5 miles away in one problem and 26 in the next. Here all facts hold
at once, so that they can stand in one collection and be looked up, among notes that are of no use
and solved problems of training.
"""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from pocket.make_eval import EvalProblem
from pocket.problems.catalog import FACT_DEPENDENT, draw_training_template
from pocket.problems.facts import draw_distractor_facts
from pocket.problems.template import Problem, Template, draw_problem
from pocket.problems.wording import words
from pocket.replies import reply

SEED = "world"
NUM_PER_TEMPLATE = 30
NUM_NOTES = 3000
NUM_EXEMPLARS = 2500
MAX_DRAWS = 200_000

KINDS = {
    **{"mile": "mile", "year": "age", "age": "age", "today": "age", "dollar": "price"},
    **{"page": "page", "member": "member", "pound": "weight", "weigh": "weight", "seat": "seat"},
}
"""What a note's number counts, by how a word of it begins; of any other, how many there are."""
FILLING = words(
    "a an the of in is are there each one today away price costs weight weighs pages miles years "
    "old dollars pounds seats members holds today age has way to long s"
)


@dataclass(frozen=True)
class Exemplar:
    question: str
    solution: str
    answer: str


@dataclass(frozen=True)
class World:
    """`notes` has the facts of all problems, among others; no two contradict each other."""

    problems: tuple[EvalProblem, ...]
    notes: tuple[str, ...]
    exemplars: tuple[Exemplar, ...]


def make_world(num_per_template: int = NUM_PER_TEMPLATE, seed: str = SEED) -> World:
    """The same world every time."""
    rng = Random(seed)
    known: dict[Subject, str] = {}
    problems: dict[str, EvalProblem] = {}
    for template in FACT_DEPENDENT:
        for _ in range(num_per_template):
            problem = _draw(template, rng, known, problems)
            problems[problem.question] = problem
    needed = dict.fromkeys(fact for problem in problems.values() for fact in problem.facts)
    notes = [*needed, *_other_notes(rng, known, NUM_NOTES - len(needed))]
    return World(
        tuple(problems.values()),
        tuple(rng.sample(notes, len(notes))),
        tuple(_exemplars(rng, NUM_EXEMPLARS)),
    )


def collection_lines(world: World) -> Iterator[str]:
    """Notes and solved problems as JSON lines, as `winnow collection add` reads them."""
    for note in world.notes:
        yield json.dumps({"text": note})
    for exemplar in world.exemplars:
        yield json.dumps(asdict(exemplar))


Subject = tuple[str, frozenset[str]]
"""What a note is about: the kind of its number, and the words that name the thing."""


def subject(note: str) -> Subject:
    said = re.findall(r"[a-z]+", note.lower())
    kinds = (kind for word in said for begin, kind in KINDS.items() if word.startswith(begin))
    return next(kinds, "number"), frozenset(w.rstrip("s") for w in said if w not in FILLING)


def _draw(
    template: Template, rng: Random, known: dict[Subject, str], taken: dict[str, EvalProblem]
) -> EvalProblem:
    """A problem whose fact is new, or says of its subject what is known."""
    for _ in range(MAX_DRAWS):
        problem = draw_problem(template, rng, "held_out")
        (fact,) = problem.facts
        about, number = subject(fact), _number(fact)
        if problem.question in taken or known.setdefault(about, number) != number:
            continue
        return EvalProblem(
            f"world-{len(taken):04d}",
            "fact_dependent",
            problem.template,
            problem.question,
            problem.gold,
            problem.facts,
        )
    raise ValueError(f"template {template.name!r} gives no problem that fits the world")


def _number(note: str) -> str:
    return " ".join(re.findall(r"\d+", note))


def _other_notes(rng: Random, known: dict[Subject, str], count: int) -> list[str]:
    """Notes that contradict neither a fact nor each other."""
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        note = draw_note(rng)
        if known.setdefault(subject(note), _number(note)) == _number(note):
            drawn[note] = None
    return list(drawn)


def draw_note(rng: Random) -> str:
    """A note that is of no use to any problem."""
    (note,) = draw_distractor_facts(rng, "", 1)
    return note


def _exemplars(rng: Random, count: int) -> Iterator[Exemplar]:
    for _ in range(count):
        about_facts = rng.random() < 0.3
        template = rng.choice(FACT_DEPENDENT) if about_facts else draw_training_template(rng)
        problem: Problem = draw_problem(template, rng)
        question = " ".join([*problem.facts, problem.question])
        yield Exemplar(question, reply(problem, "steps", rng), str(problem.gold))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pocket.world", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    world = make_world()
    lines = [json.dumps(asdict(problem)) for problem in world.problems]
    (out / "problems.jsonl").write_text("\n".join(lines) + "\n")
    (out / "collection.jsonl").write_text("\n".join(collection_lines(world)) + "\n")


if __name__ == "__main__":
    main()
