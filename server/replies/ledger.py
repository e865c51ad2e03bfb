"""Keeping the replies of decoders beside the serving of them, and taking feedback on them."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from decoding.answers import is_same_answer
from retrieval.store import CollectionError, UnknownReply
from server.replies.log import LoggedReply, ReplyLog, Verdict

logger = logging.getLogger(__name__)

FLUSH_AFTER_S = 0.2
FORGET_EVERY_S = 3600.0
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """Feedback as it was understood: on which reply, and whether it says something new."""

    reply: LoggedReply
    is_right: bool
    is_new: bool


class Ledger:
    """Writes replies in lots, so that none waits for the disk; one for the server.

    A reply that was answered less than a flush ago is lost when the process is killed; feedback
    that was acknowledged is not.
    """

    def __init__(self, open_log: Callable[[], ReplyLog], retention_days: float) -> None:
        self._open_log = open_log
        self._retention_s = retention_days * DAY_S
        self._pending: list[LoggedReply] = []
        self._unwritten: set[str] = set()
        self._flushing: asyncio.Task[None] | None = None
        self._forget_at = 0.0

    def keep(self, reply: LoggedReply) -> None:
        """Log the reply in the background. A failure is logged and does not affect the reply."""
        if self._retention_s == 0:
            return
        self._pending.append(reply)
        self._unwritten.add(reply.id)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def judge(
        self,
        tenant: str,
        reply_id: str,
        *,
        is_right: bool | None,
        reference: str | None,
        comment: str | None,
    ) -> Judgement:
        """Either `is_right` or the right answer, `reference`, says how good the reply is.

        Raises:
            UnknownReply: the tenant has no such reply.
            JudgedOtherwise: it has other feedback already.
        """
        # For this reply alone: under load there is always another one to be written.
        while reply_id in self._unwritten and self._flushing is not None:
            await asyncio.wait([self._flushing])
        return await asyncio.to_thread(self._judge, tenant, reply_id, is_right, reference, comment)

    def _judge(
        self,
        tenant: str,
        reply_id: str,
        is_right: bool | None,
        reference: str | None,
        comment: str | None,
    ) -> Judgement:
        log = self._open_log()
        reply = log.find(tenant, reply_id)
        if reply is None:
            raise UnknownReply(
                f'there is no reply "{reply_id}"; those of decoders are kept for '
                f"{self._retention_s / DAY_S:g} days, for the key that asked"
            )
        if is_right is None:
            is_right = is_same_answer(reply.answer, reference or "")
        verdict = Verdict(reply_id, is_right, reference, comment)
        return Judgement(reply, is_right, log.judge(verdict, time.time()))

    async def _flush(self) -> None:
        """Write one lot, and have what came in meanwhile written next."""
        await asyncio.sleep(FLUSH_AFTER_S)
        lot, self._pending = self._pending, []
        try:
            await asyncio.to_thread(self._write, lot)
        except CollectionError as failure:
            logger.error("%d replies are not kept: %s", len(lot), failure)
        except Exception:
            logger.exception("%d replies are not kept", len(lot))
        self._unwritten.difference_update(reply.id for reply in lot)
        if self._pending:
            self._flushing = asyncio.create_task(self._flush())

    def _write(self, lot: list[LoggedReply]) -> None:
        log, now = self._open_log(), time.time()
        log.write(lot)
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            log.forget(now - self._retention_s)
