"""Rows of the log, as both databases keep them."""

from dataclasses import fields
from typing import Any

from retrieval.store import JudgedOtherwise
from server.replies.log import LoggedReply, Verdict

Row = tuple[Any, ...]  # of columns as the queries name them

COLUMNS = tuple(field.name for field in fields(LoggedReply))
REPLY = ", ".join(f"r.{name}" for name in COLUMNS)
VERDICT = "v.reply_id, v.is_right, v.reference, v.comment"
NUM_REPLY_COLUMNS = len(COLUMNS)


def reply(row: Row) -> LoggedReply:
    values = dict(zip(COLUMNS, row, strict=True))
    is_right = values.pop("is_right")
    return LoggedReply(is_right=None if is_right is None else bool(is_right), **values)


def said(row: Row) -> Verdict:
    reply_id, is_right, reference, comment = row
    return Verdict(reply_id, bool(is_right), reference, comment)


def judged(row: Row) -> tuple[LoggedReply, Verdict | None]:
    own, verdict = row[:NUM_REPLY_COLUMNS], row[NUM_REPLY_COLUMNS:]
    return reply(own), None if verdict[0] is None else said(verdict)


def check_same(verdict: Verdict, earlier: Verdict) -> None:
    """Check that a verdict equals the earlier one on the same reply.

    Raises:
        JudgedOtherwise: the two differ.
    """
    if verdict != earlier:
        raise JudgedOtherwise(
            f'reply "{verdict.reply_id}" has other feedback already; the first one counts'
        )
