"""vLLM's own embeddings endpoint as an embedder."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import EndpointEmbedder, SentenceTransformersEmbedder
from tests.server.collections.test_embedders import FACTS, model_folder
from tests.server.server_process import running_server

pytestmark = pytest.mark.vllm


def test_it_gives_the_vectors_of_the_model_in_process(tmp_path: Path) -> None:
    flags = ("--runner", "pooling", "--served-model-name", "minilm")
    with (
        running_server(model_folder(), tmp_path / "log", *flags) as server,
        closing(EndpointEmbedder(f"{server.url}/v1", "minilm")) as embedder,
    ):
        vectors = embedder.embed(FACTS)
    own = SentenceTransformersEmbedder(model_folder()).embed(FACTS)
    assert np.sum(vectors * own, axis=1) == pytest.approx(1, abs=1e-3)
