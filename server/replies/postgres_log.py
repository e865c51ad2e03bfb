"""The log of replies in the PostgreSQL store's database."""

from collections.abc import Sequence
from dataclasses import astuple, replace

from retrieval.postgres_rows import plain
from retrieval.postgres_store import PostgresStore
from server.replies.log import LoggedReply, Verdict
from server.replies.rows import NUM_REPLY_COLUMNS, REPLY, VERDICT, check_same, judged, reply, said


class PostgresReplyLog:
    """`ReplyLog` over the database of a store."""

    def __init__(self, store: PostgresStore) -> None:
        self._database = store.database

    def write(self, replies: Sequence[LoggedReply]) -> None:
        marks = ", ".join(["%s"] * NUM_REPLY_COLUMNS)
        rows = [
            astuple(replace(one, answer=_plain(one.answer), prompt=_plain(one.prompt)))
            for one in replies
        ]
        with self._database.transaction() as db, db.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO winnow.replies VALUES ({marks}) ON CONFLICT DO NOTHING", rows
            )

    def find(self, tenant: str, reply_id: str) -> LoggedReply | None:
        with self._database.reading() as db:
            row = db.execute(
                f"SELECT {REPLY} FROM winnow.replies r WHERE r.tenant = %s AND r.id = %s",
                (tenant, reply_id),
            ).fetchone()
        return None if row is None else reply(row)

    def judge(self, verdict: Verdict, created_at: float) -> bool:
        verdict = Verdict(
            verdict.reply_id,
            verdict.is_right,
            _plain(verdict.reference),
            _plain(verdict.comment),
        )
        with self._database.transaction() as db:
            row = db.execute(
                "INSERT INTO winnow.verdicts (reply_id, is_right, reference, comment, created_at) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING reply_id",
                (*astuple(verdict), created_at),
            ).fetchone()
            if row is not None:
                return True
            earlier = db.execute(
                f"SELECT {VERDICT} FROM winnow.verdicts v WHERE v.reply_id = %s",
                (verdict.reply_id,),
            ).fetchone()
        assert earlier is not None, "it was in the way"
        check_same(verdict, said(earlier))
        return False

    def forget(self, before: float) -> int:
        with self._database.transaction() as db:
            return db.execute(
                "DELETE FROM winnow.replies WHERE created_at < %s", (before,)
            ).rowcount

    def replies(self, since: float, until: float) -> list[tuple[LoggedReply, Verdict | None]]:
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {REPLY}, {VERDICT} FROM winnow.replies r "
                "LEFT JOIN winnow.verdicts v ON v.reply_id = r.id "
                "WHERE r.created_at >= %s AND r.created_at < %s ORDER BY r.created_at, r.id",
                (since, until),
            ).fetchall()
        return [judged(row) for row in rows]


def _plain(text: str | None) -> str | None:
    return None if text is None else plain(text)
