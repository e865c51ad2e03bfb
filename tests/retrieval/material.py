"""Documents for tests of stores."""

from collections.abc import Sequence

import numpy as np

from decoding.retrieval import Kind
from retrieval.material import Collection, Document, Piece, Status, Vector
from retrieval.search import Hit, search
from retrieval.store import Store

TENANT, OTHER = "key_a", "key_b"


def document(
    *texts: str,
    source: str = "notes.txt",
    key: str = TENANT,
    status: Status = "active",
    vectors: Sequence[Sequence[float]] | None = None,
) -> Document:
    pieces = tuple(Piece("passage", text, (0, len(text))) for text in texts)
    rows = None if vectors is None else np.array(vectors, np.float32)
    return Document(source, pieces, key, status, rows)


def made(store: Store, name: str = "facts", tenant: str = TENANT, dimension: int = 0) -> Collection:
    embedder = "test" if dimension else None
    return store.create(tenant, name, embedder, dimension or None, memory=False)


def hits(
    store: Store,
    collection: Collection,
    query: str,
    vector: Vector | None = None,
    *,
    kind: Kind = "passage",
    limit: int = 10,
    floor: float = 0.0,
) -> list[Hit]:
    return search(store, collection, kind, query, vector, limit=limit, floor=floor)


def found(store: Store, collection: Collection, query: str, floor: float = 0.0) -> list[str]:
    """The texts of the passages that a search by words finds, best first."""
    return [hit.record.piece.text for hit in hits(store, collection, query, floor=floor)]
