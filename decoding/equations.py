"""The arithmetic that a reply states, recomputed exactly and with bounded work; pure.

An equation is two sides joined by "=" or "≈" of which at least one has an operator: `42 + 35 = 77`,
`3 apples x $4 = $12`, `20% of 50 = 10`. In a chain every sign is an equation of the sides next to
it. What cannot be read for certain (variables, functions, numbers and powers beyond the limits
below) is skipped and never counted as wrong; a division by zero is wrong, since nothing equals it.
A stated decimal may be rounded: `10 / 3 = 3.33` is right; with "≈" so may a whole number.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from decoding.equation_sides import Equation, Side, UnreadableSide, read_equations

MAX_DIGITS = 30
MAX_EXPONENT = 64
MAX_POWER_BITS = 4096
_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """How many equations hold, do not hold, and could not be read or bounded."""

    num_right: int
    num_wrong: int
    num_skipped: int

    @property
    def share_right(self) -> float | None:
        """Of those that could be checked, in 0..1; None where none could."""
        num_checked = self.num_right + self.num_wrong
        return self.num_right / num_checked if num_checked else None


def check_equations(text: str) -> Checked:
    """Every equation of the text. Takes time linear in its length."""
    verdicts = list(map(_check, read_equations(text)))
    return Checked(verdicts.count(True), verdicts.count(False), verdicts.count(None))


def _check(equation: Equation | None) -> bool | None:
    """Whether it holds; None where that cannot be said. `25%` may mean 0.25 or 25."""
    if equation is None:
        return None
    has_percent = any(
        token.kind == "percent" for token in (*equation.left.tokens, *equation.right.tokens)
    )
    try:
        if _holds(equation, reads_percent=True):
            return True
        return has_percent and _holds(equation, reads_percent=False)
    except UnreadableSide:
        return None
    except ZeroDivisionError:
        return False


def _holds(equation: Equation, *, reads_percent: bool) -> bool:
    sides = (equation.left, equation.right)
    left, right = (_value(side, reads_percent=reads_percent) for side in sides)
    slack = Fraction(0)
    for side in sides:
        if not side.has_operator and (side.num_decimals or equation.sign == "≈"):
            is_percent = reads_percent and side.tokens[-1].kind == "percent"
            unit = Fraction(1, 10**side.num_decimals) / (100 if is_percent else 1)
            slack = max(slack, unit / 2)
    return abs(left - right) <= slack


def _value(side: Side, *, reads_percent: bool) -> Fraction:
    """Raises UnreadableSide or ZeroDivisionError."""
    parts: list[str] = []
    numbers: dict[str, Fraction] = {}
    previous = ""
    for token in side.tokens:
        if token.kind in ("number", "open") and previous in ("number", "close", "percent"):
            if token.kind == "number" or not token.is_attached:
                raise UnreadableSide
            parts.append("*")
        match token.kind:
            case "number":
                if len(token.text) > MAX_DIGITS:
                    raise UnreadableSide
                name = f"n{len(numbers)}"
                numbers[name] = Fraction(token.text.replace(",", ""))
                parts.append(name)
            case "percent":
                parts.append("/n_" if reads_percent else "")
            case "of":
                parts.append("*")
            case _:
                parts.append("**" if token.text == "^" else token.text)
        previous = token.kind
    numbers["n_"] = Fraction(100)
    try:
        tree = ast.parse("".join(parts), mode="eval")
    except SyntaxError:
        raise UnreadableSide from None
    return _evaluate(tree.body, numbers)


def _evaluate(node: ast.expr, numbers: dict[str, Fraction]) -> Fraction:
    match node:
        case ast.Name(id=name):
            return numbers[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, numbers)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluate(operand, numbers)
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return _power(_evaluate(base, numbers), _evaluate(exponent, numbers))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            operation = _OPERATIONS[type(operator)]
            return operation(_evaluate(left, numbers), _evaluate(right, numbers))
        case _:
            raise UnreadableSide


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT:
        raise UnreadableSide
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if bits * abs(exponent.numerator) > MAX_POWER_BITS:
        raise UnreadableSide
    return Fraction(base**exponent.numerator)
