"""How templates are written down: alternatives split by lines or bars."""

Alternatives = tuple[str, ...]


def lines(text: str) -> Alternatives:
    return tuple(line.strip() for line in text.strip().splitlines())


def words(text: str) -> Alternatives:
    return tuple(text.split())


def bars(text: str) -> Alternatives:
    return tuple(choice.strip() for choice in text.split("|"))


def capitalise(text: str) -> str:
    """`text` with its first letter in upper case and the rest untouched."""
    return text[:1].upper() + text[1:]
