"""The vectors of a collection's passages, or exemplars, in memory for exact search."""

import sqlite3
import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decoding.retrieval import Kind
from retrieval.material import Collection, Vector

VECTORS = (
    "SELECT r.id, r.vector FROM records r JOIN documents d ON d.id = r.document_id "
    "WHERE r.collection_id = ? AND r.kind = ? AND r.id > ? AND d.status = 'active' "
    "AND r.vector IS NOT NULL ORDER BY r.id"
)


class VectorIndex:
    """The unit vectors of a collection's records, `(num_records, dimension)` float32.

    Vectors that were added since are read when they are needed. Once any was removed, all are read
    again.
    """

    def __init__(self, collection: Collection, kind: Kind) -> None:
        self._collection_id = collection.id
        self._kind = kind
        self._dimension = collection.dimension or 0
        self._lock = threading.Lock()
        self._num_changes = -1
        self._ids = np.empty(0, np.int64)
        self._matrix = np.empty((0, self._dimension), np.float32)

    def nearest(
        self, db: sqlite3.Connection, vector: Vector, limit: int
    ) -> list[tuple[int, float]]:
        """Ids of the nearest by cosine, as the store stands in this transaction."""
        ids, matrix = self._read_up(db)
        limit = min(limit, len(ids))
        if limit == 0:
            return []
        cosines = matrix @ vector
        # Those that equal the last one are kept until the ids have decided.
        floor = np.partition(cosines, -limit)[-limit]
        (best,) = np.nonzero(cosines >= floor)
        order = best[np.lexsort((ids[best], -cosines[best]))][:limit]
        return [(int(ids[i]), float(cosines[i])) for i in order]

    def cosines(self, db: sqlite3.Connection, vector: Vector, wanted: Sequence[int]) -> list[float]:
        ids, matrix = self._read_up(db)
        places = np.searchsorted(ids, wanted)
        return [
            float(matrix[place] @ vector) if place < len(ids) and ids[place] == one else 0.0
            for place, one in zip(places, wanted, strict=True)
        ]

    def _read_up(self, db: sqlite3.Connection) -> tuple[npt.NDArray[np.int64], Vector]:
        with self._lock:
            self._read_what_changed(db)
            return self._ids, self._matrix

    def _read_what_changed(self, db: sqlite3.Connection) -> None:
        row = db.execute(
            "SELECT num_changes FROM collections WHERE id = ?", (self._collection_id,)
        ).fetchone()
        num_changes = row[0] if row else -1
        if num_changes != self._num_changes:
            self._ids = self._ids[:0]
            self._matrix = self._matrix[:0]
            self._num_changes = num_changes
        last = int(self._ids[-1]) if len(self._ids) else 0
        rows = db.execute(VECTORS, (self._collection_id, self._kind, last)).fetchall()
        # A vector of another length is a damaged row: `verify` tells of it.
        fitting = [row for row in rows if len(row[1]) == 4 * self._dimension]
        if fitting:
            read = np.frombuffer(b"".join(row[1] for row in fitting), "<f4")
            added = read.reshape(-1, self._dimension)
            self._ids = np.concatenate([self._ids, [row[0] for row in fitting]])
            self._matrix = np.concatenate([self._matrix, added])
