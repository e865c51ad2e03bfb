"""The parts of the retrieval benchmark that need no server."""

import httpx
import pytest

from benchmarks.collections import Collections
from benchmarks.embedding_stand_in import DIMENSION, running_stand_in
from benchmarks.retrieval import is_right
from pocket.make_eval import EvalProblem

PROBLEM = EvalProblem("a", "fact_dependent", "t", "How heavy?", 30)


@pytest.mark.parametrize(
    ("answer", "expected"), [("30", True), ("30.0", True), ("31", False), (None, False)]
)
def test_answer_is_compared_by_value(answer: str | None, expected: bool) -> None:
    assert is_right({"answer": answer}, PROBLEM) == expected


def test_stand_in_gives_each_text_a_vector_of_its_own() -> None:
    with running_stand_in() as url:
        body = {"model": "any", "input": ["a", "b", "a"]}
        rows = httpx.post(f"{url}/embeddings", json=body).json()["data"]
    one, other, again = (row["embedding"] for row in rows)
    assert one == again != other
    assert len(one) == DIMENSION


def test_search_is_timed_and_read() -> None:
    found = {"data": [{"text": "A fact.", "score": 0.5}]}
    collections = Collections("http://test")
    collections._client = httpx.Client(
        base_url="http://test",
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=found)),
    )
    (hit,), took_ms = collections.timed_search("facts", "What?", 5, "words")
    assert (hit.text, hit.score) == ("A fact.", 0.5)
    assert took_ms > 0
    collections.close()
