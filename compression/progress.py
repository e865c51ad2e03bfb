"""How long work tells of itself."""

from collections.abc import Callable

Tell = Callable[[int, int, str], None]
"""Steps done, of how many, and what is being done."""
