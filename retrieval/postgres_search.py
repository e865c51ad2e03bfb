"""Searches in SQL: BM25 with the constants of SQLite's FTS5, and exact nearest vectors."""

from collections.abc import Sequence

from decoding.retrieval import Kind
from retrieval.material import Collection, Frequencies, Vector
from retrieval.postgres_database import Db
from retrieval.postgres_rows import num_searched
from retrieval.store import UnknownCollection

FREQUENCIES = """
    SELECT c.num_searched, p.term, count(p.term)
    FROM winnow.counts c
    LEFT JOIN winnow.postings p ON p.collection_id = c.collection_id AND p.kind = c.kind
        AND p.term = ANY(%s::text[])
    WHERE c.collection_id = %s AND c.kind = %s
    GROUP BY c.collection_id, c.kind, p.term
"""
# k1 = 1.2, b = 0.75. Summed in the order of the terms: what is equal is so to the last bit.
BY_WORDS = """
    WITH hits AS (
        SELECT said.place, p.record_id, p.num_occurrences::float8 AS num_occurrences,
            p.num_terms, count(*) OVER (PARTITION BY said.place) AS num_with
        FROM unnest(%(terms)s::text[]) WITH ORDINALITY AS said (term, place)
        JOIN winnow.postings p ON p.collection_id = %(collection_id)s AND p.kind = %(kind)s
            AND p.term = said.term
    ), weighed AS (
        SELECT record_id, place, num_occurrences,
            greatest(ln((c.num_searched - num_with + 0.5::float8) / (num_with + 0.5::float8)), 1e-6)
                AS idf,
            num_terms / (c.num_searched_terms::float8 / c.num_searched) AS length
        FROM hits
        JOIN winnow.counts c ON c.collection_id = %(collection_id)s AND c.kind = %(kind)s
    )
    SELECT record_id, sum(
        idf * (num_occurrences * 2.2::float8)
            / (num_occurrences + 1.2::float8 * (0.25::float8 + 0.75::float8 * length))
        ORDER BY place
    ) AS score
    FROM weighed GROUP BY record_id ORDER BY score DESC, record_id LIMIT %(limit)s
"""
# A vector of another length is a damaged row: `verify` tells of it.
SEARCHED_VECTORS = """
    SELECT id, -(vector <#> %(vector)s) FROM winnow.records
    WHERE collection_id = %(collection_id)s AND kind = %(kind)s AND is_searched
        AND vector_dims(vector) = %(dimension)s
"""
BY_VECTOR = f"{SEARCHED_VECTORS} ORDER BY vector <#> %(vector)s, id LIMIT %(limit)s"
COSINES = f"{SEARCHED_VECTORS} AND id = ANY(%(ids)s::bigint[])"


def frequencies(db: Db, collection: Collection, kind: Kind, terms: Sequence[str]) -> Frequencies:
    unique = list(dict.fromkeys(terms))
    rows = db.execute(FREQUENCIES, (unique, collection.id, kind)).fetchall()
    if not rows:
        raise UnknownCollection(f'the collection "{collection.name}" was deleted')
    return Frequencies(rows[0][0], {term: num for _, term, num in rows if term is not None})


def by_words(
    db: Db, collection: Collection, kind: Kind, terms: Sequence[str], limit: int
) -> list[tuple[int, float]]:
    """Ids with their BM25, best first."""
    wanted = {"terms": list(terms), "collection_id": collection.id, "kind": kind, "limit": limit}
    rows = db.execute(BY_WORDS, wanted).fetchall()
    if not rows:
        num_searched(db, collection)  # raises where there is no such collection any more
    return [(record_id, score) for record_id, score in rows]


def by_vector(
    db: Db, collection: Collection, kind: Kind, vector: Vector, limit: int
) -> list[tuple[int, float]]:
    """Ids with their cosines, nearest first."""
    rows = db.execute(BY_VECTOR, {**_near(collection, kind, vector), "limit": limit})
    return [(record_id, cosine) for record_id, cosine in rows]


def cosines(
    db: Db, collection: Collection, kind: Kind, vector: Vector, ids: Sequence[int]
) -> dict[int, float]:
    rows = db.execute(COSINES, {**_near(collection, kind, vector), "ids": list(ids)})
    return dict(rows.fetchall())


def _near(collection: Collection, kind: Kind, vector: Vector) -> dict[str, object]:
    return {
        "vector": vector,
        "collection_id": collection.id,
        "kind": kind,
        "dimension": collection.dimension,
    }
