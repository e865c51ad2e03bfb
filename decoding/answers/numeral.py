r"""Numbers as models write them, read exactly.

Rules where a literal alone does not decide:

- `,` before groups of three digits separates thousands (also Indian `1,00,000`), any other
  single `,` is a decimal comma: `1,234` is 1234, `1,5` is 1.5, `0,125` is 0.125.
- `.` is the decimal point, unless it repeats before groups of three (`1.234.567`).
- In a text that is evidently European (it holds a number such as `1.234,5`, `1.234.567` or
  `12,50`, and none such as `1,234.5`, `1,234,567` or `12.50`) the two swap roles.
- One space, `\,` or `{,}` before groups of three digits separates thousands: `80 000`.
- `1,2,3` is a list: its last element counts.
- `-` is a sign unless an operand stands before it: `12 - 5`, `12 -5`, `10-15` hold none.
- `3/4`, `1 1/2`, `\frac{3}{4}`, `½`, `2^10`, `1.5e3`, `6 \times 10^{23}` and `7.2 billion` are
  one number each.
- A date (`05/01/2021`, `2021-05-01`), a clock time or a ratio (`10:30`, `3:4`) is one value,
  compared as written, with date parts padded to two digits.
- Digits after a letter, `^` or `_` belong to a name or an exponent: `x2`, `cm^2`, `H2O`.
- Numbers spelled in words are not read.
"""

import re
import unicodedata
from collections import deque
from fractions import Fraction

from decoding.answers.answer import Answer

_MAX_EXACT_CHARS = 200
_MAX_EXPONENT = 300
"""A quotient, power or scaled number beyond these keeps its literal as its value."""

_FOREIGN = re.compile(
    r"(?![0-9])\d"
    r"|[\uFF01-\uFF5E\u2212\u2013\u2044\u066B\u066C\u00A0\u2007\u2009\u202F\u3000\u0964\u3002]"
)
_ASCII = str.maketrans("\u2212\u2013\u2044\u066b\u066c\u0964\u3002", "--/.,..")

_CURRENCY = r"(?:\\?\$|[€£¥₹]|(?<![A-Za-z])(?:Rs\.?|USD|EUR|GBP|INR)[ ]?)"
_SCALES = {
    10**3: re.compile("thousand|हज़ार|हजार"),
    10**5: re.compile("lakhs?|लाख"),
    10**6: re.compile("millions?|mill[oó]n(?:es)?"),
    10**7: re.compile("crores?|करोड़"),
    10**9: re.compile("billions?|milliards?"),
    10**12: re.compile("trillions?"),
}
_NUMERAL = re.compile(
    rf"""
    (?:(?<![\w)\]}}%.^+-])(?P<sign>[+-]))?
    (?:{_CURRENCY}(?P<inner_sign>-)? | (?<![A-Za-z\d_^])(?<![_^]{{)(?<!\d[.,]))
    (?:
      (?P<date>(?:\d{{1,2}}(?P<joint>[/.-])\d{{1,2}}(?P=joint)\d{{4}}
              | \d{{4}}(?P<joint_>[/-])\d{{1,2}}(?P=joint_)\d{{1,2}}) (?![\d/-]|[.,]\d))
    | (?P<clock>\d{{1,4}}(?::\d{{1,4}}){{1,2}} (?![\d:]))
    | (?P<frac>(?:(?P<frac_whole>\d+)\s?)? \\[dt]?frac\s*
        (?:\{{\s*(?P<frac_sign>-?)(?P<frac_over>\d+)\s*\}} | (?P<frac_over_>\d)) \s*
        (?:\{{\s*(?P<frac_under>\d+)\s*\}} | (?P<frac_under_>\d)))
    | (?P<mixed>(?P<mixed_whole>\d+)[ ](?P<mixed_over>\d+)/(?P<mixed_under>\d+) (?![\d/]))
    | (?P<vulgar>(?:(?P<vulgar_whole>\d+)[ ]?)? (?P<vulgar_part>[¼-¾⅐-⅞]))
    | (?P<power>(?P<base>\d+)\^(?:\{{(?P<power_braced>-?\d+)\}} | (?P<power_bare>\d+)))
    | (?P<decimal>
          \d{{1,3}}(?P<space>[ ]|\\,|\{{,\}})\d{{3}}(?:(?P=space)\d{{3}})*(?!\d)
            (?:[.,]\d+(?![.,]?\d))?
        | \d+(?:[.,]\d+)* | (?<!\.)\.\d+)
      (?: (?P<slashed>(?:/\d+)+)
        | (?:\s?(?:×|x|\*|\\times|\\cdot)\s?10\^\{{? | [eE])(?P<exponent>[+-]?\d+)(?!\w)\}}?
        | [ ]?(?P<scale>{"|".join(scale.pattern for scale in _SCALES.values())})(?!\w) )?
    )
    """,
    re.VERBOSE,
)

_GROUPED = re.compile(r"(?!0)(\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?:\.(\d+))?")
_GROUPED_EUROPEAN = re.compile(r"(?!0)(\d{1,3}(?:\.\d{3})+)(?:,(\d+))?")
_CERTAINLY_EUROPEAN = re.compile(r"(?!0)(\d{1,3}(?:\.\d{3})+),(\d+)|\d{1,3}(?:\.\d{3}){2,}")
_EUROPEAN = re.compile(
    r"\d\.\d{3},\d|\d\.\d{3}\.\d{3}(?![\d.])|(?<![\d.,(\[{])\d+,\d{1,2}(?![\d,]|\.\d)"
)
_ENGLISH = re.compile(r"\d,\d{3}\.\d|\d,\d{3},\d{3}(?![\d,])|(?<![\d.,])\d*\.\d{1,2}(?![\d.,]*\d)")


def to_ascii(text: str) -> str:
    """`text` with the digits, signs, spaces and punctuation of other scripts made ASCII.

    Characters are replaced one by one, so offsets stay.
    """
    return text if text.isascii() else _FOREIGN.sub(_to_ascii_character, text)


def _to_ascii_character(found: re.Match[str]) -> str:
    character = found[0]
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character.isspace():
        return " "
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - 0xFEE0)
    return character.translate(_ASCII)


def is_european(text: str) -> bool:
    """Whether `,` is evidently the decimal separator of `text`."""
    return bool(_EUROPEAN.search(text)) and not _ENGLISH.search(text)


class Numerals:
    """The numbers of one ASCII-made text, in order; each is read only when asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_european = is_european(text)

    def at(self, position: int, end: int) -> Answer | None:
        """The number that begins, with its sign and currency, at `position`."""
        found = _NUMERAL.match(self._text, position, end)
        return self._read(found) if found else None

    def first(self, start: int, end: int) -> Answer | None:
        found = _NUMERAL.search(self._text, start, end)
        return self._read(found) if found else None

    def last(self, start: int, end: int) -> Answer | None:
        found = deque(_NUMERAL.finditer(self._text, start, end), maxlen=1)
        return self._read(found.pop()) if found else None

    def _read(self, found: re.Match[str]) -> Answer:
        name = next(name for name in _READERS if found[name])
        start = found.start(name)
        literal = self._text[start : found.end()]
        if len(literal) > _MAX_EXACT_CHARS and literal != found["decimal"]:
            value, skipped = "".join(literal.split()), 0
        else:
            value, skipped = _READERS[name](found, self._is_european)
        sign = "inner_sign" if found["inner_sign"] else "sign"
        if skipped or not found[sign] or self._is_operator(found.start(sign)):
            return Answer(value, start + skipped, found.end())
        if found[sign] == "-" and value != "0" and name not in ("date", "clock"):
            value = value[1:] if value.startswith("-") else f"-{value}"
        return Answer(value, found.start(sign), found.end())

    def _is_operator(self, position: int) -> bool:
        """Whether the sign at `position` follows an operand, as in `12 -5`."""
        while position and self._text[position - 1] == " ":
            position -= 1
        return position > 0 and (
            self._text[position - 1] in ")%" or self._text[position - 1].isdigit()
        )


_Reading = tuple[str, int]
"""The value, and how many leading characters of the literal are no part of it."""


def _read_date(found: re.Match[str], is_european: bool) -> _Reading:
    parts = re.split(r"[/.-]", found["date"])
    return (found["joint"] or found["joint_"]).join(part.zfill(2) for part in parts), 0


def _read_clock(found: re.Match[str], is_european: bool) -> _Reading:
    first, _, rest = found["clock"].partition(":")
    return f"{first.lstrip('0') or '0'}:{rest}", 0


def _read_frac(found: re.Match[str], is_european: bool) -> _Reading:
    over = int(found["frac_over"] or found["frac_over_"])
    under = int(found["frac_under"] or found["frac_under_"])
    if not under:
        return "".join(found["frac"].split()), 0
    value = int(found["frac_whole"] or 0) + Fraction(over, under)
    return _format(-value if found["frac_sign"] else value), 0


def _read_mixed(found: re.Match[str], is_european: bool) -> _Reading:
    whole, over, under = (int(found[f"mixed_{part}"]) for part in ("whole", "over", "under"))
    if over < under:
        return _format(whole + Fraction(over, under)), 0
    skipped = len(found["mixed_whole"]) + 1
    if under:
        return _format(Fraction(over, under)), skipped
    return "0", len(found["mixed"]) - len(found["mixed_under"])


def _read_vulgar(found: re.Match[str], is_european: bool) -> _Reading:
    part = Fraction(unicodedata.numeric(found["vulgar_part"])).limit_denominator(10)
    return _format(int(found["vulgar_whole"] or 0) + part), 0


def _read_power(found: re.Match[str], is_european: bool) -> _Reading:
    base, power = int(found["base"]), found["power_braced"] or found["power_bare"]
    if len(power) > 4 or len(str(base)) * abs(int(power)) > _MAX_EXPONENT or not base:
        return f"{base}^{power}", 0
    return _format(Fraction(base) ** int(power)), 0


def _read_decimal(found: re.Match[str], is_european: bool) -> _Reading:
    value, skipped = _decimal(found["decimal"], found["space"], is_european)
    if found["slashed"]:
        parts = found["slashed"][1:].split("/")
        if len(parts) == 1 and int(parts[0]):
            return _format(Fraction(value) / int(parts[0])), skipped
        length = len(found["decimal"]) + len(found["slashed"])
        return _canonical(parts[-1], ""), length - len(parts[-1])
    if found["exponent"]:
        exponent = int(found["exponent"])
        if abs(exponent) > _MAX_EXPONENT:
            return f"{value}e{exponent}", skipped
        return _format(Fraction(value) * Fraction(10) ** exponent), skipped
    if found["scale"]:
        scale = next(n for n, names in _SCALES.items() if names.fullmatch(found["scale"]))
        return _format(Fraction(value) * scale), skipped
    return value, skipped


_READERS = {
    "date": _read_date,
    "clock": _read_clock,
    "frac": _read_frac,
    "mixed": _read_mixed,
    "vulgar": _read_vulgar,
    "power": _read_power,
    "decimal": _read_decimal,
}


def _decimal(literal: str, space: str | None, is_european: bool) -> _Reading:
    if space:
        whole, _, part = literal.replace(space, "").replace(",", ".").partition(".")
        return _canonical(whole, part), 0
    for form in (_GROUPED_EUROPEAN if is_european else _GROUPED, _CERTAINLY_EUROPEAN):
        if grouped := form.fullmatch(literal):
            whole, part = grouped[1] or literal, grouped[2] or ""
            return _canonical(re.sub("[.,]", "", whole), part), 0
    pieces = re.split("[.,]", literal)
    if len(pieces) <= 2:
        return _canonical(pieces[0], "".join(pieces[1:])), 0
    skipped = literal.rfind("," if "," in literal else ".") + 1
    value, skipped_again = _decimal(literal[skipped:], None, is_european)
    return value, skipped + skipped_again


def _canonical(whole: str, part: str) -> str:
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def _format(number: Fraction) -> str:
    """A terminating decimal where there is one, else `p/q`."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest > 1:
        return f"{number.numerator}/{number.denominator}"
    places = max(twos, fives)
    digits = str(abs(number.numerator) * 10**places // number.denominator).zfill(places + 1)
    whole = digits[: len(digits) - places]
    return ("-" if number < 0 else "") + _canonical(whole, digits[len(digits) - places :])
