r"""LaTeX boxes, and a normal form for what they hold."""

import re

_BRACE = re.compile(r"\\(?:boxed|fbox)\s*(?P<box>\{)|\\[\\{}]|[{}]")
_WRAPPED = re.compile(
    r"\s*(?:\\(?:text|mathrm|mathbf|textbf|textit|boldsymbol)\s*\{(?P<word>[^{}]*)\}"
    r"|\$(?P<math>[^$]*)\$|\\\((?P<inline>[^\\]*)\\\))\s*"
)
_DROPPED = re.compile(r"\\(?:left|right)(?![A-Za-z])|\\[,;:! ]|~")
_FRACTION = re.compile(r"\\[dt]frac(?![A-Za-z])")
_SPACE = re.compile(r"\s+")
_LOOSE_SPACE = re.compile(r" (?![A-Za-z0-9])|(?<![A-Za-z0-9]) ")


def last_box(text: str) -> tuple[int, int] | None:
    r"""The span inside the closed, non-blank `\boxed{…}` that opens last."""
    last: tuple[int, int] | None = None
    opened: list[int | None] = []
    for brace in _BRACE.finditer(text):
        if brace["box"]:
            opened.append(brace.end())
        elif brace[0] == "{":
            opened.append(None)
        elif brace[0] == "}" and opened:
            start = opened.pop()
            if start is None or text[start : brace.start()].isspace() or start == brace.start():
                continue
            if last is None or start > last[0]:
                last = start, brace.start()
    return last


def unwrap(text: str) -> str:
    r"""`text` without the `\text{…}`, `\mathbf{…}` or `$…$` around the whole of it."""
    while wrapped := _WRAPPED.fullmatch(text):
        text = wrapped["word"] or wrapped["math"] or wrapped["inline"] or ""
    return text.strip()


def normalize_latex(text: str) -> str:
    r"""One spelling for LaTeX that differs in spacing, `\left`/`\right`, `\dfrac` or wrapping."""
    before = None
    while text != before:
        before, text = text, _SPACE.sub(" ", _DROPPED.sub(" ", text)).strip(" .")
        text = unwrap(_LOOSE_SPACE.sub("", _FRACTION.sub(r"\\frac", text)))
    return text
