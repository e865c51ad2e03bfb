"""Stated arithmetic, recomputed: what counts as right, as wrong, and as not to be judged."""

import json
from pathlib import Path

import pytest

from decoding.equations import Checked, check_equations

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "eval" / "gsm8k_train_300.jsonl"

RIGHT = """
42 + 35 = 77
4*2=8
(3 + 4) × 2 = 14
$1,234.50 + $6 = $1,240.50
12 ÷ 5 = 2.4
3/4 = 0.75
20% of 50 = 10
60/80 = 75%
100% - 40% = 60% of the class
5 - -3 = 8
−2 + 5 = 3
2^10 = 1024
2**3 = 8
2 ^ 3 ^ 2 = 512
3 x 4 = 12
3 \\times 4 = 12
\\frac{1}{2} + 1 = 1.5
8 \\div 2 = 4
48/2 = <<48/2=24>>24
3 apples + 4 apples = 7 apples
5 hours * $12/hour = $60
60 students x 2/3 = 40
10 / 3 = 3.33
10 / 3 ≈ 3
2 / 3 ≈ 0.67
77 = 42 + 35
.5 * 4 = 2
007 + 1 = 8
2(3 + 4) = 14
a total of 3 + 4 = 7
- 3 + 4 = 7
He pays (3 + 4 = 7) dollars
So 3 + 4 = 7, and more
"""
WRONG = """
42 + 35 = 78
10 / 3 = 3
10 / 3 = 3.34
4 / 0 = 0
0 ^ -1 = 0
4 / (2 - 2) = 7
20% of 50 = 11
3 apples + 4 apples = 8 apples
"""
UNKNOWN = """
2x + 3 = 7
3 - x = 2 - x
x - 3 = 5 + 1
half of 6 + 2 = 5
1/2 of 6 + 2 = 5
f(2 + 1) = 9
3 + 4 = 7y
2 ^ 0.5 = 1.41
2 ^ 65 = 36893488147419103232
9 ^ 9 ^ 9 = 1
(10 ^ 60) ^ 60 = 1
1 + 1 1/2 = 2.5
8 * 1 2 = 96
"""
NONE = """
n = 5
x = y
the answer is 7
3 == 3 + 0
3 + 4 => 7
7 <= 3 + 4
3 + 4
=
"""


@pytest.mark.parametrize("text", RIGHT.strip().splitlines())
def test_holds(text: str) -> None:
    assert check_equations(text) == Checked(1, 0, 0)


@pytest.mark.parametrize("text", WRONG.strip().splitlines())
def test_does_not_hold(text: str) -> None:
    assert check_equations(text) == Checked(0, 1, 0)


@pytest.mark.parametrize("text", UNKNOWN.strip().splitlines())
def test_what_cannot_be_read_is_not_judged(text: str) -> None:
    assert check_equations(text) == Checked(0, 0, 1)


@pytest.mark.parametrize("text", NONE.strip("\n").splitlines())
def test_what_is_no_calculation_is_not_seen(text: str) -> None:
    assert check_equations(text) == Checked(0, 0, 0)


def test_every_equation_of_a_reply_counts() -> None:
    """The second is wrong; the full stop after 77 is no decimal point."""
    text = "First: More: 42 + 35 = 77. Groups: 4 * 2 = 9. Left: 77 - 9 = 68. The answer is 68."
    assert check_equations(text) == Checked(2, 1, 0)
    assert check_equations(text).share_right == pytest.approx(2 / 3)


def test_each_sign_of_a_chain_is_an_equation() -> None:
    """3 + 4 is not 7 + 2; 7 + 2 is 9."""
    assert check_equations("3 + 4 = 7 + 2 = 9") == Checked(1, 1, 0)


def test_lines_do_not_run_into_each_other() -> None:
    assert check_equations("3 + 4 = 7\n- 2 + 2 = 4\n1. 5 + 5 = 10") == Checked(3, 0, 0)


def test_nothing_checked_has_no_share() -> None:
    assert check_equations("2x + 3 = 7").share_right is None


@pytest.mark.parametrize(
    "text",
    [
        "1+" * 100_000 + "1 = 2",
        "=" * 100_000,
        "(" * 100_000 + "1 + 1 = 2",
        "9" * 100_000 + " + 1 = 2",
        "1 = " * 50_000,
        "1 + 1 = " * 20_000,
        "x" * 100_000,
        "apples " * 30_000 + "= 7",
        "3 apples " * 20_000 + "= 7",
        "<<" * 50_000,
        "\\frac{" * 30_000,
        "1,000" * 20_000,
        "1" + ",000" * 50_000 + "0",
        "-" * 100_000 + "1 = 1",
        "3 x " * 30_000,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_is_read_to_its_end(text: str) -> None:
    """Nothing is raised, and what is within bounds behind it is still judged."""
    alone = check_equations(text)
    both = check_equations(f"{text}\n3 + 4 = 7")
    assert both.num_right >= alone.num_right
    assert both.num_right >= 1


@pytest.mark.skipif(not GSM8K.exists(), reason="recorded GSM8K solutions are not at hand")
def test_solutions_written_by_people_are_nearly_all_right() -> None:
    """The five that are not are their authors' slips, such as 192*100=$1920."""
    solutions = [json.loads(line)["answer"] for line in GSM8K.read_text().splitlines()]
    checked = [check_equations(solution) for solution in solutions]
    assert sum(c.num_right for c in checked) > 1000
    assert sum(c.num_wrong for c in checked) <= 5
    assert sum(c.num_skipped for c in checked) < 50
