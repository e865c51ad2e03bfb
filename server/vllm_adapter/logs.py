"""Where Winnow's own log lines go."""

import logging

from server.errors import InvalidRequest
from server.gate.access_log import AccessHandler
from server.gate.access_log import logger as access_logger
from server.log_lines import bounded_line

ANTHROPIC = "vllm.entrypoints.anthropic.api_router"
"""Where vLLM logs whatever /v1/messages raises, with a stack trace."""


def log_as_vllm_does() -> None:
    """Log to the same place, in the same form and from the same level on as vLLM.

    Otherwise only errors would be shown, and without a date.
    """
    theirs, ours = logging.getLogger("vllm"), logging.getLogger("server")
    ours.handlers = theirs.handlers
    ours.setLevel(theirs.level)
    ours.propagate = theirs.propagate
    for handler in theirs.handlers:
        handler.addFilter(bounded_line)
    logging.getLogger(ANTHROPIC).addFilter(is_no_refusal)
    streams = [one for one in theirs.handlers if isinstance(one, logging.StreamHandler)]
    if len(streams) == len(theirs.handlers):  # an operator's own configuration stays as it is
        access_logger.handlers = [AccessHandler(one) for one in streams]
        access_logger.propagate = False


def is_no_refusal(record: logging.LogRecord) -> bool:
    """Whether a line tells of a failure. A request that was refused is in the access log."""
    return not (record.exc_info and isinstance(record.exc_info[1], InvalidRequest))
