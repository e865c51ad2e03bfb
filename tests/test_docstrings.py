"""Docstrings begin by saying what a thing is or does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(
    path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"
)
PREPOSITIONS = (
    *("about", "above", "after", "against", "among", "as", "at", "before", "behind", "below"),
    *("beside", "between", "beyond", "by", "despite", "during", "except", "for", "from", "in"),
    *("into", "like", "of", "on", "onto", "over", "per", "since", "than", "through", "to"),
    *("towards", "under", "unlike", "until", "upon", "with", "within", "without"),
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def first_words(source: str) -> Iterator[tuple[int, str]]:
    """The line of each documented thing, and the word that its docstring begins with."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (docstring := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), docstring.split()[0].strip("`'\":,").lower()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_begins_with_raises_or_a_preposition(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, word in first_words(path.read_text())
        if word == "raises" or word in PREPOSITIONS
    ]
    assert not wrong


def test_first_words_are_found() -> None:
    source = (
        '"""Of a module."""\nclass A:\n    """A thing."""\n'
        '    def f(self):\n        """Raises X."""'
    )
    assert list(first_words(source)) == [(1, "of"), (2, "a"), (4, "raises")]
