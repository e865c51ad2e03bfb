"""Control characters in text of clients' and files': what a terminal would obey instead of show."""

import re
from typing import TextIO

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # of terminals: escape sequences begin with one of these
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # of direction: text reads as another one
    r"\u2028\u2029"  # ends of lines
    r"\ud800-\udfff]"  # halves of characters, which cannot be written at all
)


def has_control(text: str) -> bool:
    return _CONTROL.search(text) is not None


def escaped(text: str, kept: str = "") -> str:
    r"""The text with its control characters as Python writes them: `\x1b`, `\n`, `\u202e`; but for
    those that are kept."""

    def escape(found: re.Match[str]) -> str:
        return found[0] if found[0] in kept else ascii(found[0])[1:-1]

    return _CONTROL.sub(escape, text)


def escaped_json(text: str) -> str:
    r"""JSON of the same meaning, in which no character is one of control: `\u009b`."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(line: str, file: TextIO | None = None) -> None:
    """Print a line for people, which stays one whatever names are in it; tabs part columns."""
    print(escaped(line, kept="\t"), file=file)
