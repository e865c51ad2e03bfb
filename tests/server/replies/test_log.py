"""What every log of replies keeps."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.sqlite_store import SQLiteStore
from retrieval.store import JudgedOtherwise, Store, UnknownReply
from server.replies.ledger import Ledger
from server.replies.log import LoggedReply, ReplyLog, Verdict
from server.replies.opening import open_reply_log

REPLY = LoggedReply(
    id="chatcmpl-1",
    tenant="key_a",
    model="pocket",
    strategy="majority_vote",
    answer="64",
    confidence=None,
    agreement=0.75,
    fallback=None,
    num_tokens=120,
    seconds=0.25,
    is_right=None,
    created_at=1000.0,
)


@pytest.fixture
def log(store: Store) -> ReplyLog:
    return open_reply_log(store)


def test_reply_is_found_by_its_id_and_tenant(log: ReplyLog) -> None:
    log.write([REPLY, replace(REPLY, id="chatcmpl-2", is_right=True, confidence=0.5)])
    assert log.find("key_a", "chatcmpl-1") == REPLY
    assert log.find("key_b", "chatcmpl-1") is None
    assert log.find("key_a", "chatcmpl-3") is None
    other = log.find("key_a", "chatcmpl-2")
    assert other is not None
    assert (other.is_right, other.sureness, REPLY.sureness) == (True, 0.5, 0.75)


def test_reply_is_written_once(log: ReplyLog) -> None:
    log.write([REPLY])
    log.write([replace(REPLY, answer="7")])
    assert log.find("key_a", "chatcmpl-1") == REPLY


def test_verdict_is_kept_once_and_never_changed(log: ReplyLog) -> None:
    log.write([REPLY])
    verdict = Verdict("chatcmpl-1", True, "64", "well done")
    assert log.judge(verdict, 1001.0) is True
    assert log.judge(verdict, 1002.0) is False
    for other in (Verdict("chatcmpl-1", False), replace(verdict, comment="hm")):
        with pytest.raises(JudgedOtherwise, match="has other feedback already"):
            log.judge(other, 1003.0)
    assert log.replies(0, 2000) == [(REPLY, verdict)]


def test_replies_come_by_time(log: ReplyLog) -> None:
    later = replace(REPLY, id="chatcmpl-0", created_at=1005.0)
    log.write([later, REPLY])
    assert [reply.id for reply, _ in log.replies(0, 2000)] == ["chatcmpl-1", "chatcmpl-0"]
    assert [reply.id for reply, _ in log.replies(1000, 1005)] == ["chatcmpl-1"]


def test_old_replies_are_forgotten_with_what_was_said_of_them(log: ReplyLog) -> None:
    log.write([REPLY, replace(REPLY, id="chatcmpl-2", created_at=2000.0)])
    log.judge(Verdict("chatcmpl-1", True), 1001.0)
    assert log.forget(1500.0) == 1
    assert [reply.id for reply, _ in log.replies(0, 3000)] == ["chatcmpl-2"]
    log.write([REPLY])
    assert log.replies(0, 1500) == [(REPLY, None)]


def test_text_is_kept_as_text(log: ReplyLog) -> None:
    odd = "'); DROP TABLE replies; -- 🦆 %s ?"
    log.write([replace(REPLY, answer=odd)])
    log.judge(Verdict("chatcmpl-1", False, odd, odd), 1001.0)
    ((reply, verdict),) = log.replies(0, 2000)
    assert verdict is not None
    assert (reply.answer, verdict.comment) == (odd, odd)


@pytest.fixture
def sqlite_log(tmp_path: Path) -> Iterator[ReplyLog]:
    store = SQLiteStore(tmp_path / "store.sqlite3")
    yield open_reply_log(store)
    store.close()


def ledger(log: ReplyLog, retention_days: float = 10**6) -> Ledger:
    return Ledger(lambda: log, retention_days)


async def judged(one: Ledger, reference: str, tenant: str = "key_a") -> tuple[bool, bool]:
    judgement = await one.judge(
        tenant, "chatcmpl-1", is_right=None, reference=reference, comment=None
    )
    return judgement.is_right, judgement.is_new


async def test_feedback_waits_for_the_reply_to_be_written(sqlite_log: ReplyLog) -> None:
    one = ledger(sqlite_log)
    one.keep(REPLY)
    assert await judged(one, "64.0") == (True, True)
    assert await judged(one, "64.0") == (True, False)


async def test_feedback_does_not_wait_for_later_replies(sqlite_log: ReplyLog) -> None:
    """Under load there is always one that is not written yet."""
    one = ledger(sqlite_log)

    async def load() -> None:
        for number in range(2, 1002):
            one.keep(replace(REPLY, id=f"chatcmpl-{number}"))
            await asyncio.sleep(0.001)

    one.keep(REPLY)
    others = asyncio.create_task(load())
    assert await judged(one, "64") == (True, True)
    assert not others.done()
    await others
    last = await one.judge("key_a", "chatcmpl-1001", is_right=True, reference=None, comment=None)
    assert last.is_new
    assert len(sqlite_log.replies(0, 2000)) == 1001


async def test_wrong_reply_is_judged_so(sqlite_log: ReplyLog) -> None:
    one = ledger(sqlite_log)
    one.keep(replace(REPLY, answer=None))
    assert await judged(one, "64") == (False, True)


async def test_reply_of_another_key_is_unknown(sqlite_log: ReplyLog) -> None:
    one = ledger(sqlite_log)
    one.keep(REPLY)
    with pytest.raises(UnknownReply, match="for the key that asked"):
        await judged(one, "64", "key_b")


async def test_without_retention_nothing_is_kept(sqlite_log: ReplyLog) -> None:
    one = ledger(sqlite_log, 0)
    one.keep(REPLY)
    with pytest.raises(UnknownReply):
        await judged(one, "64")
    assert sqlite_log.replies(0, 10**12) == []


async def test_store_that_cannot_be_written_costs_no_reply(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    broken = Ledger(lambda: open_reply_log(SQLiteStore(tmp_path / "file" / "store.sqlite3")), 30)
    broken.keep(REPLY)
    with pytest.raises(Exception, match="cannot be used"):
        await judged(broken, "64")
    assert "1 replies are not kept" in caplog.text
