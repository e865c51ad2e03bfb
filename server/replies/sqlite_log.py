"""The log of replies in the SQLite store's file."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple

from retrieval.sqlite_store import SQLiteStore
from server.replies.log import LoggedReply, Verdict
from server.replies.rows import NUM_REPLY_COLUMNS, REPLY, VERDICT, check_same, judged, reply, said


class SQLiteReplyLog:
    """`ReplyLog` over the file of a store."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store

    def write(self, replies: Sequence[LoggedReply]) -> None:
        marks = ", ".join("?" * NUM_REPLY_COLUMNS)
        rows = [astuple(one) for one in replies]

        def write(db: sqlite3.Connection) -> None:
            db.executemany(f"INSERT OR IGNORE INTO replies VALUES ({marks})", rows)

        self._store.write(write)

    def find(self, tenant: str, reply_id: str) -> LoggedReply | None:
        with self._store.reading() as db:
            row = db.execute(
                f"SELECT {REPLY} FROM replies r WHERE r.tenant = ? AND r.id = ?",
                (tenant, reply_id),
            ).fetchone()
        return None if row is None else reply(row)

    def judge(self, verdict: Verdict, created_at: float) -> bool:
        def write(db: sqlite3.Connection) -> bool:
            row = db.execute(
                f"SELECT {VERDICT} FROM verdicts v WHERE v.reply_id = ?", (verdict.reply_id,)
            ).fetchone()
            if row is not None:
                check_same(verdict, said(row))
                return False
            db.execute(
                "INSERT INTO verdicts (reply_id, is_right, reference, comment, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (*astuple(verdict), created_at),
            )
            return True

        return self._store.write(write)

    def forget(self, before: float) -> int:
        def write(db: sqlite3.Connection) -> int:
            return db.execute("DELETE FROM replies WHERE created_at < ?", (before,)).rowcount

        return self._store.write(write)

    def replies(self, since: float, until: float) -> list[tuple[LoggedReply, Verdict | None]]:
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT {REPLY}, {VERDICT} FROM replies r "
                "LEFT JOIN verdicts v ON v.reply_id = r.id "
                "WHERE r.created_at >= ? AND r.created_at < ? ORDER BY r.created_at, r.id",
                (since, until),
            ).fetchall()
        return [judged(row) for row in rows]
