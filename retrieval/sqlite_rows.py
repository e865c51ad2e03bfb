"""Rows of the SQLite store: writing them with their hashes, and keeping the words in step."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import numpy as np

from decoding.retrieval import Kind
from retrieval.material import Added, Collection, Document, digest
from retrieval.rows import check_quota, check_vectors
from retrieval.store import UnknownCollection

MAX_VARIABLES = 500
COLLECTIONS = (
    "SELECT id, tenant, name, embedder, dimension, memory, created_at, hash FROM collections"
)
DOCUMENTS = (
    "SELECT id, collection_id, source, key, status, num_records, content_hash, created_at, hash "
    "FROM documents"
)
RECORDS = (
    "SELECT r.id, r.collection_id, r.document_id, r.kind, r.text, r.question, r.answer, "
    "r.span_start, r.span_end, r.terms, r.vector, r.hash, "
    "d.id, d.collection_id, d.source, d.key, d.status, d.num_records, d.content_hash, "
    "d.created_at, d.hash FROM records r JOIN documents d ON d.id = r.document_id"
)


def insert(
    db: sqlite3.Connection,
    collection: Collection,
    document: Document,
    terms: Sequence[str],
    num_bytes: int,
) -> Added:
    """A document with its records and their words; `terms` are those of each piece."""
    content_hash = document.content_hash
    there = db.execute(
        "SELECT id, source, num_records FROM documents "
        "WHERE collection_id = ? AND content_hash = ?",
        (collection.id, content_hash),
    ).fetchone()
    if there is not None:
        document_id, source, num_records = there
        return Added(document_id, source, num_records, is_new=False)
    check_vectors(collection, document)
    content = (
        *(collection.id, document.source, document.key, document.status, len(document.pieces)),
        *(content_hash, int(time.time())),
    )
    try:
        document_id = db.execute(
            "INSERT INTO documents (collection_id, source, key, status, num_records, "
            "content_hash, created_at, hash, num_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*content, digest(*content), num_bytes),
        ).lastrowid
    except sqlite3.IntegrityError:
        raise UnknownCollection(f'the collection "{collection.name}" was deleted') from None
    for number, (piece, said) in enumerate(zip(document.pieces, terms, strict=True)):
        vector = None
        if document.vectors is not None:
            vector = np.ascontiguousarray(document.vectors[number], dtype="<f4").tobytes()
        row = (
            *(collection.id, document_id, piece.kind, piece.text, piece.question, piece.answer),
            *(piece.span or (None, None)),
            *(said, vector),
        )
        record_id = db.execute(
            "INSERT INTO records (collection_id, document_id, kind, text, question, answer, "
            "span_start, span_end, terms, vector, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, digest(*row)),
        ).lastrowid
        if document.status == "active":
            words, _ = word_tables(collection.id, piece.kind)
            db.execute(f"INSERT INTO {words} (rowid, terms) VALUES (?, ?)", (record_id, said))
    return Added(document_id or 0, document.source, len(document.pieces), is_new=True)


def delete_records(
    db: sqlite3.Connection, collection: Collection, document_id: int, limit: int = -1
) -> None:
    """Some of the document's records, or all, with their words if they are searched."""
    rows = db.execute(
        "SELECT r.id, r.kind, r.terms, d.status FROM records r "
        "JOIN documents d ON d.id = r.document_id WHERE d.id = ? ORDER BY r.id LIMIT ?",
        (document_id, limit),
    ).fetchall()
    # The words last: to forget them takes pages, which the records have freed by then.
    db.executemany("DELETE FROM records WHERE id = ?", [(row[0],) for row in rows])
    for kind in get_args(Kind):
        words, _ = word_tables(collection.id, kind)
        db.executemany(
            f"INSERT INTO {words} ({words}, rowid, terms) VALUES ('delete', ?, ?)",
            [(row[0], row[2]) for row in rows if row[1] == kind and row[3] == "active"],
        )


def delete_document(db: sqlite3.Connection, collection: Collection, document_id: int) -> int:
    """Delete a document with its records; return how many bytes of the quota that frees."""
    delete_records(db, collection, document_id)
    (num_bytes,) = db.execute(
        "DELETE FROM documents WHERE id = ? RETURNING num_bytes", (document_id,)
    ).fetchone()
    return int(num_bytes)


def shrink(db: sqlite3.Connection, collection: Collection, document_id: int, limit: int) -> None:
    """Delete so many of the document's records. What is left is whole, and not known again."""
    delete_records(db, collection, document_id, limit)
    _, *content, _ = db.execute(f"{DOCUMENTS} WHERE id = ?", (document_id,)).fetchone()
    content[4] -= limit
    content[5] = digest("shrinking", document_id)
    db.execute(
        "UPDATE documents SET num_records = ?, content_hash = ?, hash = ? WHERE id = ?",
        (content[4], content[5], digest(*content), document_id),
    )


def charge(
    db: sqlite3.Connection, tenant: str, num_bytes: int, max_bytes: int | None = None
) -> None:
    """Count what the tenant has stored, or deleted if it is negative.

    Raises:
        QuotaExceeded: it is more than `max_bytes` now.
    """
    (total,) = db.execute(
        "INSERT INTO tenants VALUES (?1, max(0, ?2)) ON CONFLICT (tenant) "
        "DO UPDATE SET num_bytes = max(0, num_bytes + ?2) RETURNING num_bytes",
        (tenant, num_bytes),
    ).fetchone()
    check_quota(total, num_bytes, max_bytes)


def count_change(db: sqlite3.Connection, collection: Collection) -> None:
    db.execute(
        "UPDATE collections SET num_changes = num_changes + 1 WHERE id = ?", (collection.id,)
    )


def num_searched(db: sqlite3.Connection, collection: Collection) -> int:
    (count,) = db.execute(
        "SELECT coalesce(sum(num_records), 0) FROM documents "
        "WHERE collection_id = ? AND status = 'active'",
        (collection.id,),
    ).fetchone()
    return int(count)


def word_tables(collection_id: int, kind: Kind) -> tuple[str, str]:
    """The full-text table of the collection's records of that kind, and its vocabulary."""
    return f"words_{collection_id}_{kind}", f"vocabulary_{collection_id}_{kind}"


def parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:  # whatever SQLite takes
    """The values in lots that one statement can take."""
    for begin in range(0, len(values), MAX_VARIABLES):
        yield values[begin : begin + MAX_VARIABLES]


def marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
