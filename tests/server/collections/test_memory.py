"""What is remembered, and on whose word."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from decoding.decoder import Decoder
from decoding.decoders.best_of_n import BestOfN
from decoding.decoders.greedy import Greedy
from decoding.decoders.majority_vote import MajorityVote
from decoding.report import Candidate, Report
from decoding.retrieval import Memory
from retrieval.library import Library
from retrieval.material import Collection
from retrieval.sqlite_store import SQLiteStore
from server.collections.memory import Rememberer, SolvedProblem, memory_of
from server.settings import Settings
from tests.retrieval.material import OTHER, TENANT, document, hits

QUESTION = "Tom has 3 ducks and buys 5. How many ducks has he?"
SOLVED = SolvedProblem("chatcmpl-1", QUESTION, "3 + 5 = 8. The answer is 8.", "8", "quarantined")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(SQLiteStore(tmp_path / "collections.sqlite3"), None)
    yield library
    library.store.close()


@pytest.fixture
def lessons(library: Library) -> Collection:
    return library.create(TENANT, "lessons", memory=True)


def rememberer(library: Library, **settings: object) -> Rememberer:
    return Rememberer(lambda: library, Settings.model_validate(settings))


def solved(number: int, memory: Memory = "quarantined") -> SolvedProblem:
    return SolvedProblem(f"chatcmpl-{number}", f"{QUESTION} {number}", "It is 8.", "8", memory)


async def remember(one: Rememberer, *problems: SolvedProblem) -> None:
    for problem in problems:
        one.remember(TENANT, "lessons", problem)
        await asyncio.gather(*one._under_way.values())


def remembered(library: Library, lessons: Collection) -> list[str]:
    found = hits(library.store, lessons, QUESTION, kind="exemplar")
    return [hit.record.piece.text for hit in found]


async def test_reply_waits_until_it_is_confirmed(library: Library, lessons: Collection) -> None:
    one = rememberer(library)
    await remember(one, SOLVED)
    assert remembered(library, lessons) == []
    assert await one.judge(TENANT, "chatcmpl-1", True) is True
    assert remembered(library, lessons) == [SOLVED.solution]
    (document,) = library.store.documents(lessons, 10)
    assert (document.source, document.key) == ("reply:chatcmpl-1", TENANT)
    assert document.created_at > 0
    assert await one.judge(TENANT, "chatcmpl-1", True) is True  # said twice


async def test_wrong_reply_is_deleted(library: Library, lessons: Collection) -> None:
    one = rememberer(library)
    await remember(one, SOLVED)
    assert await one.judge(TENANT, "chatcmpl-1", False) is False
    assert library.store.documents(lessons, 10) == []
    assert await one.judge(TENANT, "chatcmpl-1", True) is False  # there is nothing to confirm


async def test_confirmed_reply_is_deleted_when_it_proves_wrong(
    library: Library, lessons: Collection
) -> None:
    one = rememberer(library)
    await remember(one, solved(1, "confirmed"))
    assert remembered(library, lessons) == ["It is 8."]
    await one.judge(TENANT, "chatcmpl-1", False)
    assert remembered(library, lessons) == []


async def test_same_solution_is_kept_once_however_often_it_is_confirmed(
    library: Library, lessons: Collection
) -> None:
    one = rememberer(library)
    again = SolvedProblem("chatcmpl-2", QUESTION, SOLVED.solution, "8", "quarantined")
    await remember(one, SOLVED, again)
    for reply_id in ("chatcmpl-1", "chatcmpl-2"):
        assert await one.judge(TENANT, reply_id, True)
    assert len(library.store.documents(lessons, 10)) == 1


async def test_feedback_of_another_key_reaches_nothing(
    library: Library, lessons: Collection
) -> None:
    one = rememberer(library)
    await remember(one, SOLVED)
    assert await one.judge(OTHER, "chatcmpl-1", False) is False
    assert len(library.store.documents(lessons, 10)) == 1


async def test_feedback_waits_for_what_is_being_written(
    library: Library, lessons: Collection
) -> None:
    one = rememberer(library)
    one.remember(TENANT, "lessons", SOLVED)
    assert await one.judge(TENANT, "chatcmpl-1", True)


async def test_half_a_character_is_kept_as_a_question_mark(
    library: Library, lessons: Collection
) -> None:
    await remember(
        rememberer(library),
        SolvedProblem("chatcmpl-1", f"{QUESTION} \ud800", "8 \udfff", "8", "confirmed"),
    )
    assert remembered(library, lessons) == ["8 ?"]


async def test_oldest_that_waits_makes_room(library: Library, lessons: Collection) -> None:
    """Of the replies; what was added otherwise does not count."""
    library.store.add(lessons, [document(f"a text {i}") for i in range(5)])
    one = rememberer(library, memory_quota=3)
    await remember(one, solved(1, "confirmed"), *(solved(n) for n in range(2, 6)))
    replies = library.store.documents(lessons, 10, source_prefix="reply:")
    sources = [reply.source for reply in replies]
    assert sources == ["reply:chatcmpl-1", "reply:chatcmpl-4", "reply:chatcmpl-5"]


async def test_quota_holds_for_many_at_once(library: Library, lessons: Collection) -> None:
    one = rememberer(library, memory_quota=3)
    for number in range(40):
        one.remember(TENANT, "lessons", solved(number))
    await asyncio.gather(*one._under_way.values())
    assert len(library.store.documents(lessons, 100)) == 3


async def test_full_memory_of_confirmed_ones_takes_no_more(
    library: Library, lessons: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    one = rememberer(library, memory_quota=2)
    await remember(one, *(solved(n, "confirmed") for n in range(3)))
    assert len(library.store.documents(lessons, 10)) == 2
    assert "memory of key_a in lessons is full" in caplog.text


async def test_collection_that_is_gone_is_logged_and_harms_nothing(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    await remember(rememberer(library), SOLVED)
    assert 'reply chatcmpl-1 is not remembered: there is no collection "lessons"' in caplog.text


def report(
    *scores: float | None,
    agreement: float | None = None,
    answer: str | None = "8",
    fallback: str | None = None,
    finish_reason: str = "stop",
    weight: float = 1.0,
) -> Report:
    candidates = tuple(
        Candidate(
            answer=answer,
            confidence=None,
            weight=weight,
            score=score,
            num_tokens=1,
            finish_reason=finish_reason,
        )
        for score in scores
    )
    return Report(
        strategy="test",
        parameters={},
        selected=0,
        answer=answer,
        confidence=None,
        agreement=agreement,
        fallback=fallback,
        num_tokens=1,
        candidates=candidates,
        phases_ms={},
    )


FIVE = (None,) * 5
VOTE, JUDGED = MajorityVote(), BestOfN(verifier="equations")


@pytest.mark.parametrize(
    ("decoder", "of", "settings", "expected"),
    [
        (Greedy(), report(None), {}, "quarantined"),
        (Greedy(), report(None), {"memory_agreement": 0.6}, "quarantined"),
        (VOTE, report(*FIVE, agreement=1.0), {}, "quarantined"),
        (VOTE, report(*FIVE, agreement=0.8), {"memory_agreement": 0.8}, "confirmed"),
        (VOTE, report(*FIVE, agreement=0.7), {"memory_agreement": 0.8}, "quarantined"),
        (VOTE, report(*FIVE[:3], agreement=1.0), {"memory_agreement": 0.8}, "quarantined"),
        (VOTE, report(*FIVE, agreement=1.0, weight=0.0), {"memory_agreement": 0.8}, "quarantined"),
        (JUDGED, report(1.0), {}, "quarantined"),
        (JUDGED, report(1.0), {"memory_verifiers": ["equations"]}, "confirmed"),
        (JUDGED, report(0.5), {"memory_verifiers": ["equations"]}, "quarantined"),
        (JUDGED, report(None), {"memory_verifiers": ["equations"]}, "quarantined"),
        (JUDGED, report(1.0), {"memory_verifiers": ["http"]}, "quarantined"),
        (VOTE, report(*FIVE, answer=None), {}, None),
        (VOTE, report(*FIVE, fallback="none voted"), {}, None),
        (VOTE, report(*FIVE, finish_reason="length"), {}, None),
    ],
)
def test_only_what_the_operator_trusts_confirms(
    decoder: Decoder, of: Report, settings: dict[str, object], expected: Memory | None
) -> None:
    assert memory_of(decoder, of, Settings.model_validate(settings)) == expected
