"""The log of replies that goes with a store."""

from retrieval.sqlite_store import SQLiteStore
from retrieval.store import Store
from server.replies.log import ReplyLog
from server.replies.sqlite_log import SQLiteReplyLog


def open_reply_log(store: Store) -> ReplyLog:
    if isinstance(store, SQLiteStore):
        return SQLiteReplyLog(store)
    from retrieval.postgres_store import PostgresStore  # an optional dependency
    from server.replies.postgres_log import PostgresReplyLog

    assert isinstance(store, PostgresStore), "there is no third store"
    return PostgresReplyLog(store)
