"""Stated arithmetic, recomputed: what counts as right, as wrong, and as not to be judged."""

import json
from pathlib import Path

import pytest

from decoding.verifiers.equations import Checked, check_equations
from decoding.verifiers.equations.checking import MAX_SIGNS

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "eval" / "gsm8k_train_300.jsonl"

RIGHT = r"""
42 + 35 = 77
4*2=8
(3 + 4) × 2 = 14
$1,234.50 + $6 = $1,240.50
12 ÷ 5 = 2.4
3/4 = 0.75
0.1 + 0.2 = 0.3
1 - 1/3 = 2/3
20% of 50 = 10
1/2 of 6 = 3
60/80 = 75%
0.75 * 100 = 75%
5 - -3 = 8
−2 + 5 = 3
2^10 = 1024
2^{10} = 1024
2**3 = 8
5² = 25
2 ^ 3 ^ 2 = 512
3 x 4 = 12
3 \times 4 = 12
8 \div 2 = 4
\frac{1}{2} + 1 = 1.5
\(3 + 4 = \boxed{7}\)
3 + 4 = \$7
**3 + 4 = 7**
3 + 4 = **7** apples
48/2 = <<48/2=24>>24
48/2 = $<<48/2=24>>24
48 halved is <<48/2=24>>24
3 apples + 4 apples = 7 apples
5 hours * $12/hour = $60
60 students x 2/3 = 40
10 / 3 = 3.33
10 / 3 ≈ 3
1000 / 3 ≈ 300
1 / 6 = 0.1666...
2000 / 75 = 26.666666666666668
that of 3 countries is -48+21+-3=-30 degrees
77 = 42 + 35
007 + 1 = 8
1,5 + 1 = 2,5
2(3 + 4) = 14
3 plus 4 = 7
12 divided by 4 = 3
- 3 + 4 = 7
1) 3 + 4 = 7
an average of 24 / 4 = 6 times
3 + 4 = 7!
٣ + ٤ = ٧
"""
WRONG = """
42 + 35 = 78
10 / 3 = 3
10 / 3 = 3.34
10 / 3 ≈ 4
4 / 0 = 0
0 ^ -1 = 0
4 / (2 - 2) = 7
20% of 50 = 11
3 apples + 4 apples = 8 apples
5 hours * $12/hour = $61
2 + 2 = -4
"""
UNKNOWN = r"""
2x + 3 = 7
x - 3 = 5 + 1
3 - x = 2 - x
x1 + 2 = 3
f(2 + 1) = 9
(apples + 2) - 1 = 5
3 + 4 = 7y
8 + 2 = 12 - tax
half of 6 + 2 = 5
log 100 + 1 = 3
\sqrt{16} + 1 = 5
√4 + 2 = 4
3! + 1 = 7
1 + 1 = 2½
6/2(1 + 2) = 1
Day 2 = 3 + 4
Total for 5 shirts = 5 * 20
24 eggs in 1 tray x 2 trays = 48 eggs
1 hour + 30 minutes = 90 minutes
50 cents * 4 = $2
50 + 10% = 55
9:30 + 1 = 10:30
0x10 + 1 = 17
80 000 + 1 = 80 001
17 / 5 = 3 R 2
he lost 5+1=6 times $5 on average
5 cm² * 2 = 10 cm²
2 ^ 0.5 = 1.41
2 ^ 65 = 36893488147419103232
2^2^2^2^9=1
(10 ^ 60) ^ 60 = 1
"""
NONE = """
n = 5
x = y
the answer is 7
3 == 3 + 0
3 + 4 => 7
7 <= 3 + 4
3 + 4 != 8
3:4 = 6:8
2 million + 500,000 = 2.5 million
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


@pytest.mark.parametrize("text", NONE.strip().splitlines())
def test_what_is_no_calculation_is_not_seen(text: str) -> None:
    assert check_equations(text) == Checked(0, 0, 0)


def test_every_equation_of_a_reply_counts() -> None:
    """The second is wrong (8); the full stop after 77 is no decimal point."""
    text = "So 42 + 35 = 77. Groups: 4 * 2 = 9. Left: 77 - 9 = 68. The answer is 68."
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
    ("text", "expected"),
    [
        ("1+" * 100_000 + "1 = 2", Checked(0, 0, 1)),
        ("=" * 100_000, Checked(0, 0, 0)),
        ("(" * 100_000 + "1 + 1 = 2", Checked(1, 0, 0)),
        ("(" * 60 + "1" + ")" * 60 + " + 1 = 2", Checked(0, 0, 1)),
        ("9" * 100_000 + " + 1 = 2", Checked(0, 0, 1)),
        ("9" * 31 + " + 1 = 2", Checked(0, 0, 1)),
        ("1 = " * 50_000, Checked(0, 0, 50_000 - MAX_SIGNS)),
        ("1+1=" * 50_000, Checked(MAX_SIGNS, 0, 50_000 - MAX_SIGNS)),
        ("-" * 100_000 + "1 + 1 = 2", Checked(0, 0, 1)),
        ("1" + ",000" * 50_000 + " + 1 = 2", Checked(0, 0, 1)),
        ("2**" * 60 + "2 = 1", Checked(0, 0, 1)),
        ("(9^64)/" * 20 + "1 = 1", Checked(0, 0, 1)),
        ("3 apples " * 20_000 + "+ 4 = 7", Checked(1, 0, 0)),
        ("x" * 200_000, Checked(0, 0, 0)),
        ("<<" * 100_000, Checked(0, 0, 0)),
        ("\\frac{1}{" * 20_000, Checked(0, 0, 0)),
        ("= $ " * 50_000, Checked(0, 0, 50_000 - MAX_SIGNS)),
        ("3 x " * 50_000, Checked(0, 0, 0)),
    ],
    ids=lambda value: value[:8] if isinstance(value, str) else "",
)
def test_hostile_text_is_bounded(text: str, expected: Checked) -> None:
    assert check_equations(text) == expected


@pytest.mark.skipif(not GSM8K.exists(), reason=f"{GSM8K.name} is not in ../shared/data")
def test_solutions_written_by_people_are_nearly_all_right() -> None:
    """Five are their authors' slips, such as `192*100=$1920`."""
    solutions = [json.loads(line)["answer"] for line in GSM8K.read_text("utf-8").splitlines()]
    checked = [check_equations(solution) for solution in solutions]
    assert sum(c.num_right for c in checked) > 1000
    assert sum(c.num_wrong for c in checked) <= 5
    assert sum(c.num_skipped for c in checked) < 60
