"""Calibration text must not go out with a checkpoint: it may be somebody's private data.

Tools have written it to config files. Every text file of an outcome is searched.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from compression.errors import ToolFailed

TEXT_SUFFIXES = (".json", ".jinja", ".yaml", ".yml", ".txt", ".md")
MIN_LENGTH = 24
"""Characters; what is shorter is in vocabularies anyway."""
PROBE_LENGTH = 200


def check_leaks(folder: Path, texts: Iterable[str], source: Path) -> None:
    """Files that are as they were in `source` are passed over.

    Raises:
        ToolFailed: a file holds the beginning of one of the texts.
    """
    contents = {
        path.name: path.read_text("utf-8", errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.suffix in TEXT_SUFFIXES and not _is_same(path, source / path.name)
    }
    for number, text in enumerate(texts, start=1):
        probe = text.strip()[:PROBE_LENGTH]
        if len(probe) < MIN_LENGTH:
            continue
        for name, content in contents.items():
            if any(form in content for form in _forms(probe)):
                raise ToolFailed(
                    f"{name} of the outcome holds calibration text (sample {number}): not kept"
                )


def _is_same(path: Path, other: Path) -> bool:
    return other.is_file() and path.read_bytes() == other.read_bytes()


def _forms(probe: str) -> tuple[str, ...]:
    """As it stands, and as JSON writes it, with and without characters beyond ASCII."""
    return (probe, json.dumps(probe)[1:-1], json.dumps(probe, ensure_ascii=False)[1:-1])
