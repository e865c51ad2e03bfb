"""Where Winnow's own log lines go."""

import logging

from server.gate.access_log import AccessHandler
from server.gate.access_log import logger as access_logger
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
    streams = [one for one in theirs.handlers if isinstance(one, logging.StreamHandler)]
    if len(streams) == len(theirs.handlers):  # an operator's own configuration stays as it is
        access_logger.handlers = [AccessHandler(one) for one in streams]
        access_logger.propagate = False
