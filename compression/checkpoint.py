"""A checkpoint's folder: is it one, and how large is it?"""

import json
from importlib.resources import files
from pathlib import Path

from compression.errors import UnusableInput

POCKET = "pocket"
REPORT, FIGURE = "winnow_report.json", "winnow_report.png"
WEIGHT_PATTERNS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")


def bundled_checkpoint() -> Path:
    """The folder of the checkpoint that comes with Winnow."""
    return Path(str(files(POCKET) / "checkpoint"))


def expanded(path: str) -> Path:
    """The path with a leading `~` expanded.

    Raises:
        UnusableInput: it begins with the home of a user who does not exist.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as failure:
        raise UnusableInput(f"{path}: {failure}") from None


def resolve(name: str) -> Path:
    """`pocket` as the bundled checkpoint; anything else as a folder's path.

    Raises:
        UnusableInput: see `expanded`.
    """
    folder = expanded(name)
    is_folder_of_that_name = (folder / "config.json").is_file()
    return bundled_checkpoint() if name == POCKET and not is_folder_of_that_name else folder


def name_of(folder: Path) -> str:
    is_bundled = folder.resolve() == bundled_checkpoint().resolve()
    return POCKET if is_bundled else folder.resolve().name


def check_folder(folder: Path) -> None:
    """Check that a folder holds a checkpoint.

    Raises:
        UnusableInput: it does not exist, or holds no usable config.json or no weights.
    """
    if not folder.is_dir():
        raise UnusableInput(f"checkpoint {folder}: no such folder")
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except FileNotFoundError:
        raise UnusableInput(f"checkpoint {folder}: config.json is missing") from None
    except (OSError, ValueError) as failure:
        raise UnusableInput(f"checkpoint {folder}: config.json: {failure}") from None
    if not isinstance(config, dict) or not config.get("architectures"):
        raise UnusableInput(f"checkpoint {folder}: config.json names no architectures")
    if not any(next(folder.glob(pattern), None) for pattern in WEIGHT_PATTERNS):
        raise UnusableInput(
            f"checkpoint {folder}: no weights ({', '.join(WEIGHT_PATTERNS)}) in the folder"
        )


def is_quantized(folder: Path) -> bool:
    """Whether a checkpoint that `check_folder` accepts is quantized."""
    return bool(json.loads((folder / "config.json").read_bytes()).get("quantization_config"))


def disk_bytes(folder: Path) -> int:
    """Bytes of all files in the folder, at any depth, except those of the report."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (REPORT, FIGURE)
    )
