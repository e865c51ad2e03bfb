"""A look at everything that the SQLite store holds."""

import sqlite3
from collections.abc import Iterator
from typing import get_args

from decoding.retrieval import Kind
from retrieval.material import Verified
from retrieval.rows import is_sound
from retrieval.sqlite_rows import (
    COLLECTIONS,
    DOCUMENTS,
    word_tables,
)

MAX_PROBLEMS = 100
RECORDS = (
    "SELECT id, collection_id, document_id, kind, text, question, answer, span_start, span_end, "
    "terms, vector, hash FROM records ORDER BY id"
)


def verify(db: sqlite3.Connection) -> Verified:
    """Compare every row with its hash, every document with its records, every record with its
    words; at most 100 problems are told."""
    (num_records,) = db.execute("SELECT count(*) FROM records").fetchone()
    problems: list[str] = []
    for problem in _problems(db):
        if len(problems) == MAX_PROBLEMS:
            problems.append("and more")
            break
        problems.append(problem)
    return Verified(num_records, problems)


def _problems(db: sqlite3.Connection) -> Iterator[str]:
    for (said,) in db.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})").fetchall():
        if said != "ok":
            yield f"SQLite: {said}"
    for row in db.execute(COLLECTIONS).fetchall():
        if not is_sound(row):
            yield f"collection {row[0]}: differs from its hash"
        for kind in get_args(Kind):
            yield from _problems_of_words(db, row[0], kind)
    for row in db.execute(DOCUMENTS):
        if not is_sound(row):
            yield f"document {row[0]}: differs from its hash"
    for row in db.execute(RECORDS):
        if not is_sound(row):
            yield f"record {row[0]} of document {row[2]}: differs from its hash"
    for document_id, said, found in db.execute(
        "SELECT d.id, d.num_records, count(r.id) FROM documents d LEFT JOIN records r "
        "ON r.document_id = d.id GROUP BY d.id HAVING d.num_records != count(r.id)"
    ):
        yield f"document {document_id}: {found} records of {said}"


def _problems_of_words(db: sqlite3.Connection, collection_id: int, kind: Kind) -> Iterator[str]:
    words, _ = word_tables(collection_id, kind)
    missing = db.execute(
        "SELECT r.id FROM records r JOIN documents d ON d.id = r.document_id "
        "WHERE r.collection_id = ? AND r.kind = ? AND (d.status = 'active') != "
        f"(r.id IN (SELECT rowid FROM {words}))",
        (collection_id, kind),
    )
    for (record_id,) in missing:
        yield f"record {record_id}: its words are not as its status says"
    (num_records,) = db.execute(
        "SELECT count(*) FROM records WHERE collection_id = ? AND kind = ?", (collection_id, kind)
    ).fetchone()
    (num_words,) = db.execute(f"SELECT count(*) FROM {words}").fetchone()
    if num_words > num_records:
        surplus = num_words - num_records
        yield f"collection {collection_id}: words of {surplus} {kind}s that are not there"
