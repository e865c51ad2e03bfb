"""Remembering what was solved: replies as solved problems, which are found once they are confirmed.

A reply of a request that draws on a collection with `memory` is kept with its question in
quarantine. It becomes an exemplar when somebody or something other than the model says that it is
right: feedback with the right answer, or by the operator's leave a verifier's score or the
agreement of a vote. Feedback with another answer deletes it. What one key has stored this way is
bounded, but for what several servers write at the same time: of what waits the oldest makes room,
and where all is confirmed nothing is added.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from decoding.decoder import Decoder
from decoding.decoders.best_of_n import BestOfN
from decoding.report import Report
from decoding.retrieval import Memory
from retrieval.library import Library
from retrieval.material import Collection, Status, StoredDocument
from retrieval.reading import Text, exemplar
from retrieval.store import CollectionError
from server.settings import Settings

logger = logging.getLogger(__name__)
SOURCE_PREFIX = "reply:"
BYTES_PER_MB = 10**6
MIN_VOTERS = 4
"""Fewer agree by chance."""


@dataclass(frozen=True, slots=True)
class SolvedProblem:
    """A reply with the question that it answers; `reply_id` is the reply's own."""

    reply_id: str
    question: str
    solution: str
    answer: str
    memory: Memory

    @property
    def source(self) -> str:
        return source_of(self.reply_id)


def source_of(reply_id: str) -> str:
    return f"{SOURCE_PREFIX}{reply_id}"


def memory_of(decoder: Decoder, report: Report, settings: Settings) -> Memory | None:
    """What the report is worth: a reply without a selected answer is not remembered."""
    winner = report.candidates[report.selected]
    if report.answer is None or report.fallback is not None or winner.finish_reason != "stop":
        return None
    if isinstance(decoder, BestOfN) and decoder.verifier in settings.memory_verifiers:
        is_sure = winner.score is not None and winner.score >= settings.memory_verifier_score
        return "confirmed" if is_sure else "quarantined"
    wanted, num_voters = settings.memory_agreement, sum(c.weight > 0 for c in report.candidates)
    if wanted is None or report.agreement is None or num_voters < MIN_VOTERS:
        return "quarantined"
    return "confirmed" if report.agreement >= wanted else "quarantined"


class Rememberer:
    """Writes what was solved, beside the replies and not before them; one for the server."""

    def __init__(self, open_library: Callable[[], Library], settings: Settings) -> None:
        self._open_library = open_library
        self._quota = settings.memory_quota
        self._max_bytes = int(settings.store_quota_mb * BYTES_PER_MB)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._lock = threading.Lock()  # between counting, deleting and adding

    def remember(
        self, tenant: str, name: str, solved: SolvedProblem, max_bytes: int | None = None
    ) -> None:
        """Store a solved problem in the background; a failure is logged and costs no reply.

        `max_bytes` is the tenant's quota, None for that of the settings.
        """
        quota = self._max_bytes if max_bytes is None else max_bytes
        task = asyncio.create_task(self._remember(tenant, name, solved, quota))
        self._under_way[solved.reply_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(solved.reply_id, None))

    async def judge(self, tenant: str, reply_id: str, is_right: bool) -> bool:
        """Confirm the reply with this id, or delete it; whether it is remembered from now on."""
        if (task := self._under_way.get(reply_id)) is not None:
            await asyncio.wait([task])
        return await asyncio.to_thread(self._judge, tenant, reply_id, is_right)

    async def _remember(
        self, tenant: str, name: str, solved: SolvedProblem, max_bytes: int
    ) -> None:
        try:
            await asyncio.to_thread(self._store, tenant, name, solved, max_bytes)
        except CollectionError as failure:
            logger.error("reply %s is not remembered: %s", solved.reply_id, failure)
        except Exception:
            logger.exception("reply %s is not remembered", solved.reply_id)

    def _store(self, tenant: str, name: str, solved: SolvedProblem, max_bytes: int) -> None:
        with self._lock:
            self._store_alone(tenant, name, solved, max_bytes)

    def _store_alone(self, tenant: str, name: str, solved: SolvedProblem, max_bytes: int) -> None:
        library = self._open_library()
        collection = library.store.collection(tenant, name)
        if not self._makes_room(library, collection, tenant):
            logger.warning("the memory of %s in %s is full", tenant, name)
            return
        piece = exemplar(solved.question, solved.solution, solved.answer)
        status: Status = "active" if solved.memory == "confirmed" else "quarantined"
        list(library.add(collection, [Text(solved.source, (piece,))], tenant, status, max_bytes))

    def _makes_room(self, library: Library, collection: Collection, key: str) -> bool:
        """Whether one more may be stored; the oldest that waits is deleted for it."""
        kept = library.store.documents(
            collection, self._quota, source_prefix=SOURCE_PREFIX, key=key
        )
        if len(kept) < self._quota:
            return True
        waiting = library.store.documents(
            collection, 1, source_prefix=SOURCE_PREFIX, key=key, status="quarantined"
        )
        for document in waiting:
            library.store.delete_documents(collection, document_id=document.id)
        return bool(waiting)

    def _judge(self, tenant: str, reply_id: str, is_right: bool) -> bool:
        with self._lock:
            return self._judge_alone(tenant, reply_id, is_right)

    def _judge_alone(self, tenant: str, reply_id: str, is_right: bool) -> bool:
        library = self._open_library()
        for collection in library.store.collections(tenant):
            if not collection.memory:
                continue
            for document in library.store.documents(collection, 1, source=source_of(reply_id)):
                _decide(library, collection, document, is_right)
                return is_right
        return False


def _decide(
    library: Library, collection: Collection, document: StoredDocument, is_right: bool
) -> None:
    if is_right and document.status == "quarantined":
        # Added anew, so that what is known of the same content is known of this, too.
        for piece in library.store.pieces(collection, document.id):
            text = Text(document.source, (piece,))
            list(library.add(collection, [text], document.key, "active"))
    if not is_right or document.status == "quarantined":
        library.store.delete_documents(collection, document_id=document.id)
