"""What turns texts into vectors, by the operator's choice; without it words alone are searched."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import httpx
import numpy as np

from retrieval.material import Vector
from retrieval.store import CollectionError

MAX_BATCH = 64
TIMEOUT_S = 60.0


class EmbedderFailed(CollectionError):
    """The embedder is not installed, does not answer, or answers with something else."""


class Embedder(Protocol):
    """`name` says whose vectors they are: vectors of different embedders are not compared."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vector:
        """Unit vectors, `(num_texts, dimension)` float32. Blocks.

        Raises:
            EmbedderFailed: it does not answer with vectors.
        """
        ...

    def close(self) -> None: ...


class SentenceTransformersEmbedder:
    """A sentence-transformers model, from a folder or a hub name, in this process."""

    def __init__(self, model: str) -> None:
        self._model_name = model

    @property
    def name(self) -> str:
        return f"sentence-transformers:{self._model_name}"

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Vector:
        vectors = self._model.encode(
            list(texts),
            batch_size=MAX_BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)

    def close(self) -> None:
        """It holds nothing open."""

    @cached_property
    def _model(self) -> Any:  # an optional dependency, which takes seconds to import
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise EmbedderFailed(
                f"{self.name} needs the package sentence-transformers: "
                "pip install 'winnow[embeddings]'"
            ) from None
        try:
            return SentenceTransformer(self._model_name, device="cpu")
        except (OSError, ValueError) as failure:
            raise EmbedderFailed(f"{self.name} cannot be loaded: {failure}") from failure


class EndpointEmbedder:
    """An OpenAI-style endpoint, as `vllm serve MODEL --runner pooling` gives one."""

    def __init__(self, base_url: str, model: str, api_key: str | None = None) -> None:
        self._model = model
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT_S)

    @property
    def name(self) -> str:
        return f"endpoint:{self._model}"

    @cached_property
    def dimension(self) -> int:
        return int(self.embed(["dimension"]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vector:
        parts = [self._ask(texts[i : i + MAX_BATCH]) for i in range(0, len(texts), MAX_BATCH)]
        return np.concatenate(parts)

    def close(self) -> None:
        self._client.close()

    def _ask(self, texts: Sequence[str]) -> Vector:
        try:
            reply = self._client.post(
                "embeddings", json={"model": self._model, "input": list(texts)}
            )
            reply.raise_for_status()
            rows = sorted(reply.json()["data"], key=lambda row: row["index"])
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except httpx.HTTPError as failure:
            raise EmbedderFailed(f"{self.name} does not answer: {failure}") from failure
        except (ValueError, KeyError, TypeError) as failure:
            raise EmbedderFailed(f"{self.name} answers with something else: {failure!r}") from None
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EmbedderFailed(f"{self.name} gave {len(vectors)} vectors of {len(texts)}")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise EmbedderFailed(f"{self.name} gave a vector without a direction")
        return np.asarray(vectors / norms, np.float32)
