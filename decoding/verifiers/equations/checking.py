"""The arithmetic that a reply states, recomputed exactly and with bounded work; pure.

An equation is two sides joined by "=" or "≈" of which at least one calculates: `42 + 35 = 77`,
`3 apples x $4 = $12`, `20% of 50 = 10`. In a chain, each sign joins the two sides next to it.
Fractions, since in floats `0.1 + 0.2 = 0.3` does not hold. What cannot be read for certain
(variables, functions, labels, `1 hour + 30 minutes`) is skipped, never wrong; a division by zero
is wrong. A stated decimal may be rounded (`10 / 3 = 3.33`), with "≈" a whole number too.

Beyond linear substitutions the work is a constant: of MAX_SIGNS signs, MAX_SIDE_CHARS on either
side are read.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from decoding.answers.numeral import is_european
from decoding.verifiers.equations.sides import Side, UnreadableSide, left_side, right_side
from decoding.verifiers.equations.tokens import CUT, read_tokens, rewrite, words_of
from decoding.verifiers.equations.value import MAX_DIGITS, side_value

MAX_SIGNS = 500
MAX_SIDE_CHARS = 200
MIN_FLOAT_DECIMALS = 14
"""So many are a double printed in full, whose last digit is off: 2000 / 75 = 26.666666666666668."""

_SIGN = re.compile(r"[<>!:~]=+>?|={2,}>?|=>|(?P<sign>[=≈])")
_MEASURES = (
    words_of("second sec minute min hour hr day week month year decade century"),
    words_of("inch foot feet yard mile mm cm km millimeter centimeter meter kilometer"),
    words_of("ounce oz pound lb ton gram kg kilogram mg"),
    words_of("cup pint quart gallon liter ml milliliter tablespoon teaspoon ounce"),
    words_of("$ dollar cent penny pennies nickel dime quarter"),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """How many equations hold, do not hold, and could not be read or bounded."""

    num_right: int
    num_wrong: int
    num_skipped: int

    @property
    def share_right(self) -> float | None:
        """Share of the checked equations that are right, in 0..1; None if none could be checked."""
        num_checked = self.num_right + self.num_wrong
        return self.num_right / num_checked if num_checked else None


def check_equations(text: str) -> Checked:
    """Every equation of the text; signs beyond MAX_SIGNS count as skipped."""
    text = rewrite(text)
    signs = [found for found in _SIGN.finditer(text) if found["sign"]]
    edges = [0, *(sign.end() for sign in signs)], [*(sign.start() for sign in signs), len(text)]
    segments = [text[start:end] for start, end in islice(zip(*edges, strict=True), MAX_SIGNS + 1)]
    is_swapped = is_european(text)
    verdicts = [
        _judge(left, sign["sign"], right, is_swapped)
        for left, sign, right in zip(segments, signs, segments[1:], strict=False)
    ]
    num_unread = max(len(signs) - MAX_SIGNS, 0)
    counts = [verdicts.count(verdict) for verdict in ("right", "wrong", "skipped")]
    return Checked(counts[0], counts[1], counts[2] + num_unread)


def _judge(before: str, sign: str, after: str, is_swapped: bool) -> str:
    """`is_swapped`: "," is the decimal separator."""
    if len(before) > MAX_SIDE_CHARS:
        before = CUT + before[-MAX_SIDE_CHARS:]
    if len(after) > MAX_SIDE_CHARS:
        after = after[:MAX_SIDE_CHARS] + CUT
    try:
        left, right = left_side(read_tokens(before)), right_side(read_tokens(after))
        if not left.tokens or not right.tokens or not (left.has_operator or right.has_operator):
            return "unseen"
        if any(
            _holds(left, sign, right, is_swapped, percent) for percent in _percents(left, right)
        ):
            return "right"
    except UnreadableSide:
        return "skipped"
    except ZeroDivisionError:
        return "wrong"
    return "wrong" if left.is_sure and right.is_sure and not _converts(left, right) else "skipped"


def _percents(left: Side, right: Side) -> tuple[int, ...]:
    """What `%` may divide by: `60/80 = 75%` and `0.75 * 100 = 75%` are both written."""
    has_percent = any(token.kind == "percent" for token in left.tokens + right.tokens)
    return (100, 1) if has_percent else (1,)


def _converts(left: Side, right: Side) -> bool:
    """Whether units of one kind (`50 cents * 4 = $2`) or percents and numbers (`50 + 10%`) mix."""
    units = left.units | right.units
    sums = [
        side
        for side in (left, right)
        if any(t.text in "+-" for t in side.tokens if t.kind == "operator")
    ]
    kinds = [[token.kind for token in side.tokens] for side in sums]
    is_mixed_sum = any(0 < kind.count("percent") < kind.count("number") for kind in kinds)
    return is_mixed_sum or any(len(units & measure) > 1 for measure in _MEASURES)


def _holds(left: Side, sign: str, right: Side, is_swapped: bool, percent: int) -> bool:
    values = [side_value(side, is_swapped, percent) for side in (left, right)]
    slack = max(_slack(side, sign, is_swapped, percent) for side in (left, right))
    return abs(values[0] - values[1]) <= slack


def _slack(side: Side, sign: str, is_swapped: bool, percent: int) -> Fraction:
    """Half a unit of the last digit shown; a whole one where dots follow it."""
    if side.has_operator:
        return Fraction(0)
    digits = next(token.text for token in side.tokens if token.kind == "number")
    _, point, decimals = digits.partition("," if is_swapped else ".")
    if not point and sign == "=":
        return Fraction(0)
    # A whole number after "≈" may be rounded to its trailing zeros.
    num_zeros = 0 if point else len(digits) - len(digits.rstrip("0,."))
    unit = Fraction(10) ** (min(num_zeros, MAX_DIGITS) - min(len(decimals), MAX_DIGITS))
    if any(token.kind == "percent" for token in side.tokens):
        unit /= percent
    if len(decimals) >= MIN_FLOAT_DECIMALS:
        return unit * 4
    return unit if side.is_cut_short else unit / 2
