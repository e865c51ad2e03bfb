"""The exact value of a side, within bounds. `ast.parse` sees operators, brackets and names of our
own, no character of the text."""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from decoding.verifiers.equations.sides import Side, UnreadableSide
from decoding.verifiers.equations.tokens import COUNTED, SPOKEN, STOP, Token

MAX_DIGITS = 30
MAX_NESTING = 20
MAX_EXPONENT = 64
MAX_BITS = 1024
"""Of the numerator and denominator of every result together."""

_NUMBER = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d*(?:\.\d+)?")
_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def side_value(side: Side, is_swapped: bool, percent: int) -> Fraction:
    """The exact value of a side, with `percent` as the divisor of `%`.

    Raises:
        UnreadableSide: it has no certain reading, or is beyond the bounds.
        ZeroDivisionError: it divides by zero.
    """
    source, values = _source(side.tokens, is_swapped)
    values["h"] = Fraction(percent)
    try:
        return _evaluate(ast.parse(source, mode="eval").body, values)
    except (SyntaxError, MemoryError, RecursionError):
        raise UnreadableSide from None


def _source(tokens: Sequence[Token], is_swapped: bool) -> tuple[str, dict[str, Fraction]]:
    """An expression over names, and what they stand for."""
    parts: list[str] = []
    values: dict[str, Fraction] = {}
    previous, depth = STOP, 0
    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if (previous.kind == "unit" and token.text in ("^", "**")) or depth > MAX_NESTING:
            raise UnreadableSide  # cm^2
        if token.kind in ("number", "open") and previous.kind in COUNTED:
            # 2(3 + 4); but 80 000, 1 1/2, and 6/2(1 + 2) have more than one reading.
            is_product = token.kind == "open" and token.is_attached and previous.kind != "unit"
            if not is_product or "/" in parts:
                raise UnreadableSide
            parts.append("*")
        if token.kind == "number":
            parts.append(f"n{len(values)}")
            values[parts[-1]] = _number(token.text, is_swapped)
        elif token.kind == "percent":
            parts[-1:] = [f"({parts[-1]}/h)"] if previous.kind == "number" else [*parts[-1:], "/h"]
        elif token.kind != "unit":
            parts.append(SPOKEN.get(token.text, token.text))
        previous = token
    return "".join(parts), values


def _number(text: str, is_swapped: bool) -> Fraction:
    text = text.lstrip("$€£¥₹")
    text = text.translate(str.maketrans(",.", ".,")) if is_swapped else text
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise UnreadableSide
    return Fraction(text.replace(",", ""))


def _evaluate(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, values)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluate(operand, values)
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return _power(_evaluate(base, values), _evaluate(exponent, values))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            first, second = _evaluate(left, values), _evaluate(right, values)
            return _bounded(_OPERATIONS[type(op)](first, second))
    raise UnreadableSide


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT:
        raise UnreadableSide
    if _num_bits(base) * abs(exponent.numerator) > MAX_BITS:
        raise UnreadableSide
    return Fraction(base**exponent.numerator)


def _bounded(value: Fraction) -> Fraction:
    if _num_bits(value) > MAX_BITS:
        raise UnreadableSide
    return value


def _num_bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()
