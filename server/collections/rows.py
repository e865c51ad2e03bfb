"""Rows as both stores keep them: what is read is compared with its hash."""

import logging
from typing import Any

from server.collections.material import Collection, Document, Piece, Record, digest
from server.collections.store import StoreBroken, WrongVectors

logger = logging.getLogger(__name__)
Row = tuple[Any, ...]  # of columns as the stores' queries name them

NUM_RECORD_COLUMNS = 12
"""Of a query for records with their documents: the record's own come first."""


def to_collection(row: Row) -> Collection:
    """Raises StoreBroken: the row is damaged."""
    if not is_sound(row):
        raise StoreBroken(f"collection {row[0]} is damaged; `winnow collection verify` says more")
    collection_id, tenant, name, embedder, dimension, memory, created_at, _ = row
    return Collection(collection_id, tenant, name, embedder, dimension, bool(memory), created_at)


def is_sound(row: Row) -> bool:
    """Of a row that begins with its id and ends with the hash of what stands between."""
    _, *content, sealed = row
    return bool(digest(*content) == sealed)


def checked_record(row: Row) -> Record | None:
    """None, and a line in the log, where the record or its document is damaged."""
    own, document = row[:NUM_RECORD_COLUMNS], row[NUM_RECORD_COLUMNS:]
    if not is_sound(own) or not is_sound(document):
        logger.error("record %s of collection %s is damaged and not served", row[0], row[1])
        return None
    _, _, document_id, kind, text, question, answer, start, end, *_ = own
    _, _, source, key, status, _, _, created_at, _ = document
    span = None if start is None else (start, end)
    piece = Piece(kind, text, span, question, answer)
    return Record(own[0], document_id, source, piece, status, key, created_at)


def check_vectors(collection: Collection, document: Document) -> None:
    """Raises WrongVectors: there are none, too many, or of another length than the collection's."""
    got = None if document.vectors is None else document.vectors.shape
    wanted = collection.dimension and (len(document.pieces), collection.dimension)
    if got != wanted:
        raise WrongVectors(f"{document.source}: vectors of shape {got}, and {wanted} are needed")
