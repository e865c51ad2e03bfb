"""Where Winnow's own log lines go."""

import logging

from server.log_lines import bounded_line


def log_as_vllm_does() -> None:
    """To the same place, in the same form and from the same level on as vLLM's: else only errors
    would be shown, and without a date."""
    theirs, ours = logging.getLogger("vllm"), logging.getLogger("server")
    ours.handlers = theirs.handlers
    ours.setLevel(theirs.level)
    ours.propagate = theirs.propagate
    for handler in theirs.handlers:
        handler.addFilter(bounded_line)
