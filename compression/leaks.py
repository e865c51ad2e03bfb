"""Calibration text must not go out with a checkpoint: it may be somebody's private data.

Tools have written it to config files. Every file of an outcome is searched, of weights the header.
Letters and digits alone are compared, so that it does not matter how a format breaks or escapes
lines.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from compression.errors import ToolFailed

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
HEADER_BYTES = 1_000_000
MIN_LENGTH = 24
"""Letters and digits of a text; what is shorter is in vocabularies anyway."""
WINDOW_LENGTH, STRIDE = 48, 24
"""Whatever a file holds 72 letters and digits of in a row is found."""
_ESCAPES = re.compile(r"\\(?:[nrtfb\"/\\]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")
_OTHERS = re.compile(r"[^A-Za-z0-9]+")


def check_leaks(folder: Path, texts: Iterable[str], source: Path) -> None:
    """Files that are as they were in `source` are passed over.

    Raises:
        ToolFailed: a file holds a part of one of the texts.
    """
    contents = {
        path: _forms(_searched(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_same(path, source / path.relative_to(folder))
    }
    for number, text in enumerate(texts, start=1):
        for window in _windows(_plain(text)):
            for path, forms in contents.items():
                if any(window in form for form in forms):
                    raise ToolFailed(
                        f"{path.name} of the outcome holds calibration text (sample {number}): "
                        "not kept"
                    )


def _searched(path: Path) -> str:
    with path.open("rb") as file:
        contents = file.read(HEADER_BYTES if path.suffix in WEIGHTS else -1)
    return contents.decode("utf-8", errors="replace")


def _is_same(path: Path, other: Path) -> bool:
    is_alike = other.is_file() and path.stat().st_size == other.stat().st_size
    return is_alike and path.read_bytes() == other.read_bytes()


def _forms(content: str) -> tuple[str, str]:
    """The letters and digits as written, and again without the escapes of JSON and YAML."""
    return _plain(content), _plain(_ESCAPES.sub("", content))


def _plain(text: str) -> str:
    return _OTHERS.sub("", text)


def _windows(plain: str) -> set[str]:
    if len(plain) < MIN_LENGTH:
        return set()
    last = max(0, len(plain) - WINDOW_LENGTH)
    return {plain[start : start + WINDOW_LENGTH] for start in (*range(0, last, STRIDE), last)}
