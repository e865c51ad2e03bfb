import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

from pocket.problems import catalog
from pocket.problems.chains import CHANGES, ENDS, PAIR_ENDS, STARTS, compose_pair
from pocket.problems.scenes import SCENES, parse_scene
from pocket.problems.stories import parse_stories
from pocket.problems.template import (
    MAX_NUMBER,
    Problem,
    Step,
    Template,
    draw_problem,
    is_held_out,
    solve,
    structure,
)

HAND_WRITTEN = catalog.TRAINING + catalog.FACT_DEPENDENT
EVERY_TEMPLATE = HAND_WRITTEN + catalog.HELD_OUT
STEP = re.compile(r"\w+: (\d+) ([-+*/]) (\d+) = (\d+)\.")
LONGEST_SHARED_RUN = 6
PLUMS = """
[[story]]
name = "plums"
ranges = "a:9-60"
parts = [["{fruit.a} costs {a} dollars."], ["Today {fruit} are 9 dollars cheaper."]]
ask = ["How much is that?"]
steps = ["Left: s = a - 9"]
choose = { fruit = "plums/plum|figs/fig" }
"""
OWNERS = """
name = "owners"
weight = 1

[says]
has = ["{A} has {n}."]
loss = ["{B} takes {n} from {A.him}."]
groups = ["{A} has {n} times {m}."]
pair_both = ["How many have {A} and {D}?"]
"""


def training_problems(seed: int, count: int) -> Iterator[Problem]:
    rng = Random(seed)
    for _ in range(count):
        yield draw_problem(catalog.draw_training_template(rng), rng)


def compute(left: int, sign: str, right: int) -> float:
    return {"+": left + right, "-": left - right, "*": left * right, "/": left / right}[sign]


def words(text: str) -> list[str]:
    """Lower-case words and stops, every slot an underscore."""
    bare = re.sub(r"\{[^}]*\}('s)?", "_", text)
    return re.findall(r"[a-z']+|_|[.?,;]", bare.lower())


def longest_shared_run(left: list[str], right: list[str]) -> int:
    best, row = 0, [0] * (len(right) + 1)
    for word in left:
        row = [0] + [row[i] + 1 if word == other else 0 for i, other in enumerate(right)]
        best = max(best, *row)
    return best


def wordings(template: Template) -> list[str]:
    return [text for part in (*template.parts, template.ask, template.fact) for text in part]


def training_wordings() -> list[str]:
    said = [text for template in HAND_WRITTEN for text in wordings(template)]
    for scene in SCENES:
        said += [text for texts in scene.says.values() for text in texts]
    return said


def test_same_seed_gives_same_problems() -> None:
    assert list(training_problems(7, 50)) == list(training_problems(7, 50))


def test_gold_is_what_the_steps_compute() -> None:
    for problem in training_problems(1, 2000):
        found = None
        for line in problem.solution:
            match = STEP.fullmatch(line)
            assert match, line
            left, sign, right, result = match.groups()
            found = compute(int(left), sign, int(right))
            assert found == int(result)
            assert 1 <= found <= MAX_NUMBER
        assert found == problem.gold


def test_every_operand_is_told_or_computed() -> None:
    """A step uses only numbers of the story, of its fact or of an earlier step."""
    for problem in training_problems(2, 2000):
        told = set(re.findall(r"\d+", " ".join([problem.question, *problem.facts])))
        for line in problem.solution:
            left, _sign, right, result = STEP.fullmatch(line).groups()  # type: ignore[union-attr]  # matched above
            assert left in told, (problem.question, line)
            assert right in told or right in "23", (problem.question, line)
            told.add(result)


@pytest.mark.parametrize("template", EVERY_TEMPLATE, ids=lambda template: template.name)
def test_template_gives_problems_of_both_kinds(template: Template) -> None:
    for numbers in ("training", "held_out"):
        problem = draw_problem(template, Random(0), numbers)
        assert "{" not in problem.question
        assert is_held_out(template.name, problem.operands) == (numbers == "held_out")


def test_training_never_draws_held_out_numbers() -> None:
    assert not any(is_held_out(p.template, p.operands) for p in training_problems(3, 5000))


def test_about_a_tenth_of_the_numbers_is_held_out() -> None:
    """The share is fixed by the hash, so the bounds may be narrow."""
    held = sum(is_held_out("name", (a, b)) for a in range(100) for b in range(100))
    assert 900 < held < 1100


def test_there_are_enough_templates() -> None:
    assert len(catalog.TRAINING) >= 30
    assert len(catalog.HELD_OUT) >= 8
    assert len({template.name for template in EVERY_TEMPLATE}) == len(EVERY_TEMPLATE)


def test_held_out_wordings_share_no_long_run_with_training() -> None:
    trained = [words(text) for text in training_wordings()]
    for template in catalog.HELD_OUT:
        for text in wordings(template):
            longest = max(longest_shared_run(words(text), other) for other in trained)
            assert longest < min(LONGEST_SHARED_RUN + 1, len(words(text))), text


def test_held_out_words_occur_in_training() -> None:
    seen: dict[str, int] = defaultdict(int)
    for problem in training_problems(5, 12_000):
        for word in set(words(problem.question)):
            seen[word] += 1
    for template in catalog.HELD_OUT:
        rng = Random(6)
        for problem in (draw_problem(template, rng) for _ in range(30)):
            rare = [word for word in words(problem.question) if seen[word] < 3]
            assert not rare, (template.name, rare)


def test_structure_ignores_wording_and_names_origins() -> None:
    steps = [Step.parse("Groups: s = a * b"), Step.parse("Left: t = c - s")]
    assert structure(steps) == ("g * g", "g - r1")
    assert structure([Step.parse("Double: s = a * 2")]) == ("2 * g",)


def test_solve_refuses_what_is_no_whole_number_up_to_the_limit() -> None:
    halve = [Step.parse("Half: s = a / 2")]
    assert solve(halve, {"a": 8})
    assert not solve(halve, {"a": 9})
    assert not solve([Step.parse("More: s = a + b")], {"a": 60, "b": 40})
    assert not solve([Step.parse("Left: s = a - b")], {"a": 5, "b": 5})


def test_template_without_numbers_says_so() -> None:
    (impossible,) = parse_stories(PLUMS.replace("a:9-60", "a:2-3"))
    with pytest.raises(ValueError, match=r"plums.*widen its ranges"):
        draw_problem(impossible, Random(0))


def test_story_file_gives_a_template() -> None:
    (template,) = parse_stories(PLUMS)
    problem = draw_problem(template, Random(0))
    (a,) = problem.operands
    assert re.search(rf"[Aa] (plum|fig) costs {a} dollars\. .*Today \1s are 9", problem.question)
    assert problem.solution == (f"Left: {a} - 9 = {a - 9}.",)


def test_unknown_key_in_a_story_file_is_an_error() -> None:
    with pytest.raises(TypeError, match="num_fre"):
        parse_stories(PLUMS.replace("parts", "num_fre = 1\nparts"))


def test_every_scene_says_known_concepts_with_their_numbers() -> None:
    concepts = {**STARTS, **CHANGES, **ENDS}
    for scene in SCENES:
        for name, texts in scene.says.items():
            ranges = () if name in PAIR_ENDS else concepts[name].ranges
            wanted = {variable for variable, _, _ in ranges}
            for text in texts:
                assert set(re.findall(r"\{([nm])\}", text)) == wanted, (scene.name, name, text)


def test_pair_tells_two_chains_and_asks_about_both() -> None:
    """The first chain is A's and the second D's; (5 - 1) + 2 * 3 when a, b, c, d are 5, 1, 2, 3."""
    scene = parse_scene(OWNERS)
    template = compose_pair(scene, ("has", "loss"), ("groups",), "pair_both")
    assert [text for part in template.parts for text in part] == [
        "{A} has {n0}.",
        "{B} takes {n1} from {A.him}.",
        "{D} has {n2} times {m2}.",
    ]
    values = {"n0": 5, "n1": 1, "n2": 2, "m2": 3}
    assert solve(template.steps, values)
    assert values[template.steps[-1].result] == 10


def test_chains_are_varied() -> None:
    names = {
        p.template for p in training_problems(8, 2000) if p.template.startswith(("chain:", "pair:"))
    }
    assert len(list(islice(names, 400))) == 400
