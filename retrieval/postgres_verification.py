"""A look at everything that the PostgreSQL store holds."""

from collections.abc import Iterator
from itertools import islice

from retrieval.material import Verified
from retrieval.postgres_database import Db, one
from retrieval.postgres_rows import COLLECTIONS, DOCUMENTS
from retrieval.rows import Row, is_sound

MAX_PROBLEMS = 100
RECORDS = (
    "SELECT id, collection_id, document_id, kind, text, question, answer, span_start, span_end, "
    "terms, vector_send(vector), hash FROM winnow.records ORDER BY id"
)
INCOMPLETE = """
    SELECT d.id, d.num_records, count(r.id)
    FROM winnow.documents d LEFT JOIN winnow.records r ON r.document_id = d.id
    GROUP BY d.id HAVING d.num_records != count(r.id) ORDER BY d.id
"""
WRONG_WORDS = """
    WITH said AS (
        SELECT r.collection_id, r.kind, said.term, r.id AS record_id,
            count(*) AS num_occurrences, r.num_terms
        FROM winnow.records r
        JOIN winnow.documents d ON d.id = r.document_id
        CROSS JOIN unnest(string_to_array(r.terms, ' ')) AS said (term)
        WHERE d.status = 'active'
        GROUP BY r.id, said.term
    )
    SELECT record_id
    FROM said FULL JOIN winnow.postings p USING (collection_id, kind, term, record_id)
    WHERE said.num_occurrences IS DISTINCT FROM p.num_occurrences
        OR said.num_terms IS DISTINCT FROM p.num_terms
    UNION
    SELECT r.id FROM winnow.records r JOIN winnow.documents d ON d.id = r.document_id
    WHERE r.is_searched != (d.status = 'active')
    ORDER BY record_id
"""
MISCOUNTED = """
    SELECT c.collection_id, c.kind, c.num_searched, count(r.id), c.num_searched_terms,
        coalesce(sum(r.num_terms), 0)
    FROM winnow.counts c
    LEFT JOIN winnow.documents d ON d.collection_id = c.collection_id AND d.status = 'active'
    LEFT JOIN winnow.records r ON r.document_id = d.id AND r.kind = c.kind
    GROUP BY c.collection_id, c.kind
    HAVING c.num_searched != count(r.id)
        OR c.num_searched_terms != coalesce(sum(r.num_terms), 0)
    ORDER BY c.collection_id, c.kind
"""


def verify(db: Db) -> Verified:
    """Compare every row with its hash, every document with its records, every record with its
    words, every collection with its counts; at most 100 problems are told."""
    # One state of the store for all that is read.
    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    (num_records,) = one(db.execute("SELECT count(*) FROM winnow.records"))
    problems = list(islice(_problems(db), MAX_PROBLEMS + 1))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS] = "and more"
    return Verified(num_records, problems)


def _problems(db: Db) -> Iterator[str]:
    for row in _rows(db, COLLECTIONS):
        if not is_sound(row):
            yield f"collection {row[0]}: differs from its hash"
    for row in _rows(db, DOCUMENTS):
        if not is_sound(row):
            yield f"document {row[0]}: differs from its hash"
    for row in _rows(db, RECORDS):
        if not is_sound(row):
            yield f"record {row[0]} of document {row[2]}: differs from its hash"
    for document_id, said, found in _rows(db, INCOMPLETE):
        yield f"document {document_id}: {found} records of {said}"
    for (record_id,) in _rows(db, WRONG_WORDS):
        yield f"record {record_id}: is not found as its status says"
    for collection_id, kind, said, found, said_terms, found_terms in _rows(db, MISCOUNTED):
        yield (
            f"collection {collection_id}: counts {said} {kind}s of {said_terms} words, "
            f"and there are {found} of {found_terms}"
        )


def _rows(db: Db, query: str) -> Iterator[Row]:
    """Read bit by bit, as there may be more than memory holds."""
    with db.cursor(name="verification") as cursor:
        cursor.itersize = 500
        yield from cursor.execute(query)
