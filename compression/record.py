"""`winnow_compression.json` in what was made: of what, by what, and with which versions."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from compression.calibration import Calibration
from compression.checkpoint import FIGURE, REPORT, name_of
from compression.environments import tool_versions
from compression.recipes import Recipe
from compression.steps import ToolStep, tool_of

RECORD = "winnow_compression.json"
OWN = ("torch", "transformers", "winnow")
TOOLS = ("llmcompressor", "compressed-tensors", "optimum", "gptqmodel", "torch", "transformers")


@dataclass(frozen=True)
class Order:
    """What is asked for; `calibration` is None for a recipe that reads no text."""

    source: Path
    out: Path
    recipe: Recipe
    calibration: Calibration | None


def fingerprint(order: Order) -> dict[str, object]:
    """All that decides the outcome. Reads the whole checkpoint."""
    calibration = order.calibration
    return {
        "source": {"name": name_of(order.source), "sha256": source_hash(order.source)},
        "recipe": order.recipe.model_dump(mode="json"),
        "calibration": None
        if calibration is None
        else {"file": calibration.file_name, "sha256": calibration.digest},
        "versions": _versions(order.recipe),
    }


def write_record(order: Mapping[str, object], told: Sequence[str], folder: Path) -> None:
    """`order` is its fingerprint, `told` what each step says of its outcome."""
    record = {
        **order,
        "steps": list(told),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def source_hash(folder: Path) -> str:
    """The SHA-256 of the names and contents of the folder's own files, without hidden ones and the
    reports of earlier work."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("[!.]*")):
        if path.is_file() and path.name not in (REPORT, RECORD, FIGURE):
            digest.update(os.fsencode(path.name) + b"\n")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _versions(recipe: Recipe) -> dict[str, object]:
    """Ours, and of each tool in its own environment."""
    own = {"python": platform.python_version(), **{name: metadata.version(name) for name in OWN}}
    tools = {tool_of(step) for step in recipe.steps if isinstance(step, ToolStep)}
    pinned: dict[str, object] = {
        tool: {name: value for name, value in tool_versions(tool).items() if name in TOOLS}
        for tool in sorted(tools)
    }
    return {"winnow": own, **pinned}
