"""The form of the log: JSON where a machine reads it; lines that no client can forge or flood."""

import logging
import re
from collections.abc import Sequence
from typing import Literal

MAX_CHARS = 4000
FLAG = "--logging-config"
# All but the line feed, whose lines vLLM's formatter begins like the first, and the tab.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


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
    record.msg = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", cut)
    record.args = ()
    return True
