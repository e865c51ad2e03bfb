"""Collections as the command line and the server use them: files in, passages out. All blocks."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

import numpy as np

from decoding.retrieval import MAX_NAME_CHARS, NAME, Found, Kind, Retrieval
from retrieval.embedders import Embedder
from retrieval.material import (
    Added,
    Collection,
    Document,
    Piece,
    Status,
    Vector,
    sound,
)
from retrieval.reading import Text
from retrieval.rerankers import Reranker
from retrieval.search import POOL, Hit, floor_of, search
from retrieval.store import BadName, Store, WrongVectors

RankedBy = Literal["hybrid", "words", "vectors"]
"""By what is searched: `hybrid` is words and, where the collection has them, vectors."""
LOT = 64
"""Documents that are embedded and committed together."""


class Library:
    """A store, the embedder whose vectors it is searched by, None for words alone, and the reranker
    that orders what was found, None for the search's own order."""

    def __init__(
        self, store: Store, embedder: Embedder | None, reranker: Reranker | None = None
    ) -> None:
        self.store = store
        self._embedder = embedder
        self._reranker = reranker

    def close(self) -> None:
        self.store.close()
        for part in (self._embedder, self._reranker):
            if part is not None:
                part.close()

    def create(
        self, tenant: str, name: str, *, memory: bool = False, max_bytes: int | None = None
    ) -> Collection:
        """Create a collection for the library's embedder; the tenant's quota is `max_bytes`.

        Raises:
            BadName: the name is too long or has characters that are not allowed.
            CollectionExists: the name is taken.
            QuotaExceeded: the tenant has stored as much as it may.
        """
        if len(name) > MAX_NAME_CHARS or not re.fullmatch(NAME, name):
            raise BadName(
                f'a collection\'s name is at most {MAX_NAME_CHARS} letters, digits, ".", "_" and '
                f'"-", the first a letter or digit, got {name!r}'
            )
        embedder = self._embedder
        return self.store.create(
            tenant,
            name,
            embedder.name if embedder else None,
            embedder.dimension if embedder else None,
            memory=memory,
            max_bytes=max_bytes,
        )

    def add(
        self,
        collection: Collection,
        texts: Iterable[Text],
        key: str,
        status: Status = "active",
        max_bytes: int | None = None,
    ) -> Iterator[Added]:
        """Store each text as a document, in lots; one that is yielded is on disk.

        What is there already is skipped before it is embedded, so that an interrupted run goes on
        where it was.

        Raises:
            WrongVectors: the collection was made with another embedder than this server's.
            QuotaExceeded: the tenant has stored `max_bytes`; None holds it to no quota.
        """
        self._check_embedder(collection)
        documents = (
            Document(sound(text.source), tuple(map(_sound, text.pieces)), key, status)
            for text in texts
            if text.pieces
        )
        while lot := list(islice(documents, LOT)):
            yield from self.store.add(collection, self._embedded(collection, lot), max_bytes)

    def search(
        self,
        collection: Collection,
        query: str,
        limits: Mapping[Kind, int],
        min_score: float | None = None,
        ranking: RankedBy = "hybrid",
    ) -> tuple[list[Hit], float]:
        """The records that are relevant to the query, at most so many of each kind, in the order of
        the kinds; and the floor that held.

        Raises:
            WrongVectors: as `add`; or vectors are asked for, and the collection has none.
        """
        self._check_embedder(collection)
        if ranking == "vectors" and self._embedder is None:
            raise WrongVectors(f'collection "{collection.name}" has no vectors to be searched by')
        vector = None
        if self._embedder is not None and ranking != "words":
            vector = self._embedder.embed([sound(query)])[0]
        floor, hits = floor_of(vector, min_score), []
        for kind, limit in limits.items():
            found = search(
                self.store,
                collection,
                kind,
                query,
                vector,
                limit=limit if self._reranker is None else POOL * (limit > 0),
                floor=floor,
                by_words=ranking != "vectors",
            )
            hits += self._reranked(query, found)[:limit]
        return hits, floor

    def _reranked(self, query: str, hits: list[Hit]) -> list[Hit]:
        if self._reranker is None or not hits:
            return hits
        texts = [hit.record.piece.searched_text for hit in hits]
        scores = self._reranker.scores(query, texts)
        order = sorted(range(len(hits)), key=lambda i: (-scores[i], i))
        return [hits[i] for i in order]

    def _check_embedder(self, collection: Collection) -> None:
        own = self._embedder.name if self._embedder else None
        if collection.embedder != own:
            raise WrongVectors(
                f'collection "{collection.name}" was made with {_named(collection.embedder)}, this '
                f"server has {_named(own)}; set WINNOW_EMBEDDER to it, or make the collection anew"
            )

    def _embedded(self, collection: Collection, lot: Sequence[Document]) -> list[Document]:
        """Return the documents with vectors, except those that are already stored."""
        if self._embedder is None:
            return list(lot)
        is_known = self.store.known(collection, lot)
        texts = [
            piece.searched_text
            for document, known in zip(lot, is_known, strict=True)
            if not known
            for piece in document.pieces
        ]
        vectors = self._embedder.embed(texts) if texts else np.empty((0, 0), np.float32)
        return list(_with_vectors(lot, is_known, vectors))


def _with_vectors(
    lot: Sequence[Document], is_known: Sequence[bool], vectors: Vector
) -> Iterator[Document]:
    begin = 0
    for document, known in zip(lot, is_known, strict=True):
        if known:
            yield document
            continue
        end = begin + len(document.pieces)
        yield Document(
            document.source, document.pieces, document.key, document.status, vectors[begin:end]
        )
        begin = end


def _sound(piece: Piece) -> Piece:
    question, answer = piece.question, piece.answer
    return replace(
        piece,
        text=sound(piece.text),
        question=None if question is None else sound(question),
        answer=None if answer is None else sound(answer),
    )


def _named(embedder: str | None) -> str:
    return f'the embedder "{embedder}"' if embedder else "no embedder"


class TenantRetriever:
    """`Retriever` over the collections of one tenant."""

    def __init__(self, open_library: Callable[[], Library], tenant: str) -> None:
        self._open_library = open_library
        self._tenant = tenant

    async def search(self, query: str, retrieval: Retrieval) -> Found:
        return await asyncio.to_thread(self._search, query, retrieval)

    def _search(self, query: str, retrieval: Retrieval) -> Found:
        library = self._open_library()
        collection = library.store.collection(self._tenant, retrieval.collection)
        limits: dict[Kind, int] = {
            "exemplar": retrieval.num_exemplars,
            "passage": retrieval.num_passages,
        }
        hits, floor = library.search(collection, query, limits, retrieval.min_score)
        return Found([hit.passage() for hit in hits], floor, collection.memory)
