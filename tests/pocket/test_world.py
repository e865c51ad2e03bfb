"""A world whose facts hold at once."""

import json

import pytest

from pocket.world import World, collection_lines, make_world, subject


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def test_it_is_the_same_every_time_and_large_enough(world: World) -> None:
    again = make_world()
    assert (again.problems, again.notes, again.exemplars) == (
        world.problems,
        world.notes,
        world.exemplars,
    )
    assert len(world.problems) >= 200
    assert len(world.notes) + len(world.exemplars) >= 5000
    assert len({problem.question for problem in world.problems}) == len(world.problems)


def test_every_fact_is_among_the_notes(world: World) -> None:
    assert {fact for problem in world.problems for fact in problem.facts} <= set(world.notes)


def test_no_two_notes_contradict_each_other(world: World) -> None:
    said: dict[object, str] = {}
    for note in world.notes:
        number = "".join(filter(str.isdigit, note))
        assert said.setdefault(subject(note), number) == number, note


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("A crate holds 9 plums.", "There are 7 plums in a crate.", True),
        ("A crate holds 9 plums.", "Each crate of plums holds 7 plums.", True),
        ("A crate holds 9 plums.", "A sack holds 9 plums.", False),
        ("Tina is 46 years old.", "Today Tina is 4 years old.", True),
        ("Tina's age is 46.", "Tina is 4 years old.", True),
        ("Tina has 46 plums.", "Tina is 46 years old.", False),
        ("The price of an egg is 5 dollars.", "One egg costs 7 dollars.", True),
        ("An egg weighs 5 pounds.", "The weight of an egg is 7 pounds.", True),
        ("An egg weighs 5 pounds.", "An egg costs 5 dollars.", False),
        ("The shop is 5 miles away.", "The way to the shop is 7 miles long.", True),
        ("A white bus has 9 seats.", "There are 7 seats in a white bus.", True),
    ],
)
def test_subject_is_what_a_note_is_about(one: str, other: str, is_same: bool) -> None:
    assert (subject(one) == subject(other)) == is_same


def test_lines_are_notes_and_solved_problems(world: World) -> None:
    lines = [json.loads(line) for line in collection_lines(world)]
    assert [set(line) for line in lines[: len(world.notes)]] == [{"text"}] * len(world.notes)
    for line in lines[len(world.notes) :]:
        assert set(line) == {"question", "solution", "answer"}
        assert line["solution"].endswith(f"The answer is {line['answer']}.")
