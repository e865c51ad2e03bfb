"""Rows of the PostgreSQL store: writing them with their hashes, and keeping the words in step.

Columns are named so that a row is checked as one of the SQLite store is.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pgvector import Vector as StoredVector

from retrieval.material import Added, Collection, Document, Piece, digest
from retrieval.postgres_database import Db, one
from retrieval.rows import Row, check_quota, check_vectors, stored_bytes
from retrieval.store import UnknownCollection, WrongVectors
from retrieval.terms import terms as terms_of

COLLECTIONS = (
    "SELECT id, tenant, name, embedder, dimension, memory, created_at, hash FROM winnow.collections"
)
DOCUMENTS = (
    "SELECT id, collection_id, source, key, status, num_records, content_hash, created_at, hash "
    "FROM winnow.documents"
)
# A vector is hashed as it is sent: its number of dimensions, then its components.
RECORDS = (
    "SELECT r.id, r.collection_id, r.document_id, r.kind, r.text, r.question, r.answer, "
    "r.span_start, r.span_end, r.terms, vector_send(r.vector), r.hash, "
    "d.id, d.collection_id, d.source, d.key, d.status, d.num_records, d.content_hash, "
    "d.created_at, d.hash FROM winnow.records r JOIN winnow.documents d ON d.id = r.document_id"
)
INSERT_DOCUMENT = (
    "INSERT INTO winnow.documents (collection_id, source, key, status, num_records, "
    "content_hash, created_at, hash, num_bytes) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "RETURNING id"
)
COPY_RECORDS = (
    "COPY winnow.records (collection_id, document_id, kind, text, question, answer, span_start, "
    "span_end, terms, vector, hash, is_searched) FROM STDIN (FORMAT BINARY)"
)
RECORD_TYPES = (
    *("int8", "int8", "text", "text", "text", "text", "int8"),
    *("int8", "text", "vector", "bytea", "bool"),
)
ADD_WORDS = """
    INSERT INTO winnow.postings (collection_id, kind, term, record_id, num_occurrences, num_terms)
    SELECT r.collection_id, r.kind, said.term, r.id, count(*), r.num_terms
    FROM winnow.records r CROSS JOIN unnest(string_to_array(r.terms, ' ')) AS said (term)
    WHERE r.document_id = ANY(%s::bigint[]) AND r.is_searched
    GROUP BY r.id, said.term
"""
COUNT = """
    UPDATE winnow.counts c
    SET num_searched = num_searched + %(sign)s * changed.num_records,
        num_searched_terms = num_searched_terms + %(sign)s * changed.num_terms
    FROM (
        SELECT r.kind, count(*) AS num_records, sum(r.num_terms) AS num_terms
        FROM winnow.records r
        WHERE r.document_id = ANY(%(ids)s::bigint[]) AND r.is_searched
        GROUP BY r.kind
    ) changed
    WHERE c.collection_id = %(collection_id)s AND c.kind = changed.kind
"""


def plain(text: str) -> str:
    """PostgreSQL's text cannot hold NUL."""
    return text.replace("\0", "\ufffd")


def storable(document: Document) -> Document:
    return replace(
        document,
        source=plain(document.source),
        key=plain(document.key),
        pieces=tuple(_storable(piece) for piece in document.pieces),
    )


def _storable(piece: Piece) -> Piece:
    question, answer = piece.question, piece.answer
    return replace(
        piece,
        text=plain(piece.text),
        question=None if question is None else plain(question),
        answer=None if answer is None else plain(answer),
    )


def lock(db: Db, collection: Collection) -> None:
    """Keep others from changing or deleting the collection until the transaction ends."""
    row = db.execute(
        "SELECT id FROM winnow.collections WHERE id = %s FOR NO KEY UPDATE", (collection.id,)
    ).fetchone()
    if row is None:
        raise UnknownCollection(f'the collection "{collection.name}" was deleted')


def known(
    db: Db, collection: Collection, hashes: Sequence[bytes]
) -> dict[bytes, tuple[int, str, int]]:
    """Id, source and number of records of each document that is there, by the hash of its
    content."""
    rows = db.execute(
        "SELECT content_hash, id, source, num_records FROM winnow.documents "
        "WHERE collection_id = %s AND content_hash = ANY(%s::bytea[])",
        (collection.id, list(hashes)),
    )
    return {content_hash: tuple(rest) for content_hash, *rest in rows}


def charge(db: Db, tenant: str, num_bytes: int, max_bytes: int | None = None) -> None:
    """Count what the tenant has stored, or deleted if it is negative.

    Raises:
        QuotaExceeded: it is more than `max_bytes` now.
    """
    (total,) = one(
        db.execute(
            "INSERT INTO winnow.tenants AS t VALUES (%(tenant)s, greatest(0, %(num_bytes)s)) "
            "ON CONFLICT (tenant) DO UPDATE SET num_bytes = "
            "greatest(0, t.num_bytes + %(num_bytes)s) RETURNING num_bytes",
            {"tenant": plain(tenant), "num_bytes": num_bytes},
        )
    )
    check_quota(total, num_bytes, max_bytes)


def insert(
    db: Db, collection: Collection, documents: Sequence[Document], max_bytes: int | None
) -> list[Added]:
    """Documents with their records and words; the collection is locked."""
    hashes = [document.content_hash for document in documents]
    there = known(db, collection, hashes)
    new: dict[bytes, Document] = {}
    for content_hash, document in zip(hashes, documents, strict=True):
        if content_hash not in there:
            _check_vectors(collection, document)
            new.setdefault(content_hash, document)
    if new:
        terms = [_terms(document) for document in new.values()]
        sizes = list(map(stored_bytes, new.values(), terms))
        ids = _insert_documents(db, collection, new, sizes)
        _copy_records(db, collection, list(new.values()), terms, ids)
        add_words(db, collection, ids)
        charge(db, collection.tenant, sum(sizes), max_bytes)
        there |= {
            content_hash: (document_id, document.source, len(document.pieces))
            for document_id, (content_hash, document) in zip(ids, new.items(), strict=True)
        }
    return [
        Added(*there[content_hash], is_new=new.pop(content_hash, None) is not None)
        for content_hash in hashes
    ]


def add_words(db: Db, collection: Collection, ids: Sequence[int]) -> None:
    """Those of the documents' records that are searched."""
    db.execute(ADD_WORDS, (list(ids),))
    _count(db, collection, ids, 1)


def forget_words(db: Db, collection: Collection, ids: Sequence[int]) -> None:
    """The opposite of `add_words`."""
    _count(db, collection, ids, -1)
    db.execute(
        "DELETE FROM winnow.postings p USING winnow.records r "
        "WHERE p.record_id = r.id AND r.document_id = ANY(%s::bigint[])",
        (list(ids),),
    )


def num_searched(db: Db, collection: Collection) -> int:
    query = "SELECT sum(num_searched) FROM winnow.counts WHERE collection_id = %s"
    (total,) = one(db.execute(query, (collection.id,)))
    if total is None:
        raise UnknownCollection(f'the collection "{collection.name}" was deleted')
    return int(total)


def _count(db: Db, collection: Collection, ids: Sequence[int], sign: int) -> None:
    db.execute(COUNT, {"sign": sign, "ids": list(ids), "collection_id": collection.id})


def _insert_documents(
    db: Db, collection: Collection, documents: dict[bytes, Document], sizes: Sequence[int]
) -> list[int]:
    now = int(time.time())
    rows = [
        (
            *(collection.id, document.source, document.key, document.status),
            *(len(document.pieces), content_hash, now),
        )
        for content_hash, document in documents.items()
    ]
    with db.cursor() as cursor:
        sealed = [
            (*row, digest(*row), num_bytes) for row, num_bytes in zip(rows, sizes, strict=True)
        ]
        cursor.executemany(INSERT_DOCUMENT, sealed, returning=True)
        return [one(result)[0] for result in cursor.results()]


def _copy_records(
    db: Db,
    collection: Collection,
    documents: Sequence[Document],
    terms: Sequence[Sequence[str]],
    ids: Sequence[int],
) -> None:
    with db.cursor() as cursor, cursor.copy(COPY_RECORDS) as copy:
        copy.set_types(RECORD_TYPES)
        for document, said, document_id in zip(documents, terms, ids, strict=True):
            for row in _record_rows(document, said):
                sealed = _sealed(collection.id, document_id, *row)
                copy.write_row((*sealed, document.status == "active"))


def _terms(document: Document) -> list[str]:
    return [" ".join(terms_of(piece.searched_text)) for piece in document.pieces]


def _record_rows(document: Document, terms: Sequence[str]) -> Iterator[Row]:
    vectors = [None] * len(document.pieces) if document.vectors is None else document.vectors
    for piece, said, vector in zip(document.pieces, terms, vectors, strict=True):
        yield (
            *(piece.kind, piece.text, piece.question, piece.answer, *(piece.span or (None, None))),
            said,
            None if vector is None else StoredVector(vector),
        )


def _sealed(*row: Any) -> Row:  # of columns
    *content, vector = row
    return (*row, digest(*content, None if vector is None else vector.to_binary()))


def _check_vectors(collection: Collection, document: Document) -> None:
    check_vectors(collection, document)
    if document.vectors is not None and not np.isfinite(document.vectors).all():
        raise WrongVectors(f"{document.source}: a vector has components that are no numbers")
