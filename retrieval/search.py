"""Hybrid search: by words and by vectors, fused; then a floor of similarity.

The order is that of reciprocal rank fusion (Cormack et al. 2009): a record's sum of 1 / (60 + rank)
over BM25 and the cosine of embeddings. Such sums do not say how relevant the best one is, so the
score that the floor is compared to is a similarity: the cosine of embeddings where there are any,
else that of TF-IDF vectors, which then also orders what BM25 has found: of the sentences that share
words with a long question, it prefers those that say little else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from decoding.retrieval import Kind, Passage
from retrieval.material import Collection, Record, Vector
from retrieval.store import Ranking, Store
from retrieval.terms import similarity, telling_terms, terms

RANK_OFFSET = 60
POOL = 50
"""How many candidates each ranking gives."""
MIN_COSINE = 0.35
MIN_TERM_COSINE = 0.1


@dataclass(frozen=True, slots=True)
class Hit:
    record: Record
    score: float

    def passage(self) -> Passage:
        piece = self.record.piece
        return Passage(
            id=f"rec_{self.record.id}",
            kind=piece.kind,
            text=piece.text,
            source=self.record.source,
            score=self.score,
            span=piece.span,
            question=piece.question,
        )


def fuse(rankings: Sequence[Ranking]) -> Ranking:
    """Best first; of equal sums the smaller id."""
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, record_id in enumerate(ranking, start=1):
            sums[record_id] = sums.get(record_id, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(sums, key=lambda record_id: (-sums[record_id], record_id))


def search(
    store: Store,
    collection: Collection,
    kind: Kind,
    query: str,
    vector: Vector | None,
    *,
    limit: int,
    floor: float,
    by_words: bool = True,
) -> list[Hit]:
    """The records of the kind that are relevant, most relevant first.

    Args:
        vector: the query's own, of unit length; None searches by words alone.
        floor: the least similarity.
        by_words: False searches by the vector alone.
    """
    if limit == 0:
        return []
    said = terms(query)
    rankings = []
    if by_words:
        telling = telling_terms(said, store.frequencies(collection, kind, said))
        rankings.append(store.by_words(collection, kind, telling, POOL))
    if vector is not None:
        nearest = store.by_vector(collection, kind, vector, POOL)
        rankings.append([record_id for record_id, _ in nearest])
    records = store.records(collection, fuse(rankings)[: max(limit, POOL)])
    if vector is None:
        scores = _term_cosines(store, collection, kind, said, records)
    else:
        scores = store.cosines(collection, kind, vector, [record.id for record in records])
    hits = [Hit(*pair) for pair in zip(records, scores, strict=True) if pair[1] >= floor]
    if vector is None:
        hits.sort(key=lambda hit: -hit.score)
    return hits[:limit]


def floor_of(vector: Vector | None, min_score: float | None) -> float:
    """The least similarity that is asked for, or one that suits the kind of similarity."""
    if min_score is not None:
        return min_score
    return MIN_TERM_COSINE if vector is None else MIN_COSINE


def _term_cosines(
    store: Store,
    collection: Collection,
    kind: Kind,
    query: Sequence[str],
    records: Sequence[Record],
) -> list[float]:
    texts = [terms(record.piece.searched_text) for record in records]
    frequencies = store.frequencies(collection, kind, [*query, *chain.from_iterable(texts)])
    return [similarity(query, text, frequencies) for text in texts]
