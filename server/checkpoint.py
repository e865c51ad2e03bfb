"""Is this something that can be served? Answered before vLLM takes half a minute to start."""

import json
from pathlib import Path

POCKET = "pocket"
WEIGHT_PATTERNS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")


class UnreadableCheckpoint(Exception):
    """The message is one line that says what is wrong with which path."""


def bundled_checkpoint() -> Path:
    """The folder of the checkpoint that comes with Winnow."""
    import pocket

    return Path(pocket.__file__).parent / "checkpoint"


def resolve(model: str) -> str:
    """`pocket` as the bundled checkpoint; any other name as it is."""
    is_folder_of_that_name = (Path(model) / "config.json").is_file()
    return str(bundled_checkpoint()) if model == POCKET and not is_folder_of_that_name else model


def check_folder(model: str) -> None:
    """Check a checkpoint that is a folder; a hub name passes.

    Raises:
        UnreadableCheckpoint: the folder is not there, or holds no config or no weights.
    """
    path = Path(model).expanduser()
    if not path.exists():
        if model.startswith((".", "/", "~")) or (model.count("/") != 1 and "/" in model):
            raise UnreadableCheckpoint(f"checkpoint {model}: no such file or folder")
        return
    if not path.is_dir():
        return
    config = path / "config.json"
    try:
        content = json.loads(config.read_text())
    except FileNotFoundError:
        raise UnreadableCheckpoint(f"checkpoint {model}: config.json is missing") from None
    except (OSError, ValueError) as failure:
        raise UnreadableCheckpoint(f"checkpoint {model}: config.json: {failure}") from None
    if not isinstance(content, dict) or not content.get("architectures"):
        raise UnreadableCheckpoint(f"checkpoint {model}: config.json names no architectures")
    if not any(next(path.glob(pattern), None) for pattern in WEIGHT_PATTERNS):
        raise UnreadableCheckpoint(
            f"checkpoint {model}: no weights ({', '.join(WEIGHT_PATTERNS)}) in the folder"
        )
