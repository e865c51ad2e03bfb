"""How long work tells of itself."""

from collections.abc import Callable
from typing import Any

from tqdm import tqdm

Tell = Callable[[int, int, str], None]
"""Steps done, of how many, and what is being done."""


class Bars:
    """One bar for each kind of work, in its turn."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None  # iterates over nothing
        self._kind = ""

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def tell(self, done: int, total: int, what: str) -> None:
        """What stands before a comma in `what` is the kind of work."""
        kind = what.partition(",")[0]
        if self._bar is None or kind != self._kind:
            if self._bar is not None:
                self._bar.close()
            self._bar, self._kind = tqdm(total=total), kind
        self._bar.set_description(what, refresh=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
