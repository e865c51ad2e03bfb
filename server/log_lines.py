"""The form of the log: JSON where a machine reads it; lines that no client can forge or flood."""

import logging
from collections.abc import Sequence
from typing import Literal

from server.escaping import escaped

MAX_CHARS = 4000
FLAG = "--logging-config"
KEPT = "\n\t"
"""vLLM's formatter begins each line like the first."""


def with_log_format(
    arguments: Sequence[str], wanted: Literal["auto", "json", "text"], is_terminal: bool
) -> list[str]:
    """The flags of `vllm serve` with that of the format, unless the user has one."""
    is_json = wanted == "json" or (wanted == "auto" and not is_terminal)
    given = (argument.replace("_", "-") for argument in arguments)
    if not is_json or any(one.startswith((FLAG, "--log-config-file")) for one in given):
        return list(arguments)
    return [*arguments, f"{FLAG}.formatter", "json"]


def bounded_line(record: logging.LogRecord) -> bool:
    """A filter that lets all records through: cut, and without control characters."""
    message = record.getMessage()
    cut = message if len(message) <= MAX_CHARS else message[: MAX_CHARS - 1] + "…"
    record.msg = escaped(cut, KEPT)
    record.args = ()
    return True
