"""What reads a question and a passage together, by the operator's choice: slower than a search, and
surer, so that it orders what the search found."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import httpx

from retrieval.embedders import EmbedderFailed

TIMEOUT_S = 60.0


class RerankerFailed(EmbedderFailed):
    """The reranker is not installed, does not answer, or answers with something else."""


class Reranker(Protocol):
    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How relevant each text is to the query; more is better, on a scale of its own. Blocks.

        Raises:
            RerankerFailed: it does not answer with a score for each.
        """
        ...

    def close(self) -> None: ...


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder, from a folder or a hub name, in this process."""

    def __init__(self, model: str) -> None:
        self._model_name = model

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        pairs = [(query, text) for text in texts]
        return [float(x) for x in self._model.predict(pairs, show_progress_bar=False)]

    def close(self) -> None:
        """It holds nothing open."""

    @cached_property
    def _model(self) -> Any:  # an optional dependency, which takes seconds to import
        try:
            from sentence_transformers import CrossEncoder
        except ImportError:
            raise RerankerFailed(
                "WINNOW_RERANKER needs the package sentence-transformers: "
                "pip install 'winnow[embeddings]'"
            ) from None
        try:
            return CrossEncoder(self._model_name, device="cpu", num_labels=1)
        except (OSError, ValueError) as failure:
            raise RerankerFailed(f"{self._model_name} cannot be loaded: {failure}") from failure


class EndpointReranker:
    """A server's /rerank, as vLLM, Jina and Cohere have it."""

    def __init__(self, base_url: str, model: str, api_key: str | None = None) -> None:
        self._model = model
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT_S)

    def close(self) -> None:
        self._client.close()

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        body = {"model": self._model, "query": query, "documents": list(texts)}
        try:
            reply = self._client.post("rerank", json=body)
            reply.raise_for_status()
            by_index = {
                row["index"]: float(row["relevance_score"]) for row in reply.json()["results"]
            }
            return [by_index[i] for i in range(len(texts))]
        except httpx.HTTPError as failure:
            raise RerankerFailed(f"the reranker does not answer: {failure}") from failure
        except (ValueError, KeyError, TypeError) as failure:
            raise RerankerFailed(f"the reranker answers with something else: {failure!r}") from None
