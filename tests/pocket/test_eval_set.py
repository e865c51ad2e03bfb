from collections import Counter

from pocket.make_eval import EVAL_FILE, load_eval, make_eval, to_jsonl
from pocket.problems import catalog

PROBLEMS = load_eval()


def test_shipped_file_is_what_the_generator_gives() -> None:
    assert to_jsonl(make_eval()) == EVAL_FILE.read_text()


def test_splits_are_large_enough() -> None:
    sizes = Counter(problem.split for problem in PROBLEMS)
    assert sizes == {"held_out_numbers": 300, "held_out_templates": 300, "fact_dependent": 200}


def test_ids_and_questions_are_unique() -> None:
    assert len({problem.id for problem in PROBLEMS}) == len(PROBLEMS)
    assert len({problem.question for problem in PROBLEMS}) == len(PROBLEMS)


def test_held_out_templates_split_uses_them_all_and_only_there() -> None:
    names = {template.name for template in catalog.HELD_OUT}
    used = {p.template for p in PROBLEMS if p.split == "held_out_templates"}
    others = {p.template for p in PROBLEMS if p.split != "held_out_templates"}
    assert used == names
    assert not others & names


def test_fact_dependent_problems_bring_their_fact_and_distractors() -> None:
    for problem in PROBLEMS:
        assert (len(problem.facts), len(problem.distractors)) == (
            (1, 4) if problem.split == "fact_dependent" else (0, 0)
        )
        assert not any(fact in problem.question for fact in problem.facts)
