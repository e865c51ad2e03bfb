"""The library that the settings describe."""

from pathlib import Path

from pydantic import SecretStr

from retrieval.embedders import (
    Embedder,
    EmbedderFailed,
    EndpointEmbedder,
    SentenceTransformersEmbedder,
)
from retrieval.library import Library
from retrieval.rerankers import (
    CrossEncoderReranker,
    EndpointReranker,
    Reranker,
    RerankerFailed,
)
from retrieval.sqlite_store import SQLiteStore
from retrieval.store import Store, StoreBroken
from server.settings import Settings

BYTES_PER_MB = 10**6
POSTGRES = ("postgresql://", "postgres://")


def open_library(settings: Settings) -> Library:
    """Open the library that the settings describe.

    Raises:
        CollectionError: the store cannot be used, or a URL is set without its model.
    """
    embedder, reranker = _embedder(settings), _reranker(settings)
    return Library(_store(settings), embedder, reranker)


def _store(settings: Settings) -> Store:
    place = settings.store
    if not place.strip() or ("://" in place and not place.startswith(POSTGRES)):
        raise StoreBroken(
            f"WINNOW_STORE must be a file or a postgresql:// URL, got {place.partition('://')[0]!r}"
        )
    if not place.startswith(POSTGRES):
        reserve_bytes = int(settings.store_reserve_mb * BYTES_PER_MB)
        return SQLiteStore(Path(place).expanduser(), reserve_bytes=reserve_bytes)
    try:
        from retrieval.postgres_store import PostgresStore
    except ImportError:
        raise StoreBroken(
            "WINNOW_STORE is a PostgreSQL URL: pip install 'winnow[postgres]'"
        ) from None
    return PostgresStore(place)


def _embedder(settings: Settings) -> Embedder | None:
    if settings.embedder is None:
        return None
    if not _is_url(settings.embedder):
        return SentenceTransformersEmbedder(settings.embedder)
    if settings.embedder_model is None:
        raise EmbedderFailed("WINNOW_EMBEDDER is a URL; set WINNOW_EMBEDDER_MODEL, too")
    return EndpointEmbedder(
        settings.embedder, settings.embedder_model, _shown(settings.embedder_api_key)
    )


def _reranker(settings: Settings) -> Reranker | None:
    if settings.reranker is None:
        return None
    if not _is_url(settings.reranker):
        return CrossEncoderReranker(settings.reranker)
    if settings.reranker_model is None:
        raise RerankerFailed("WINNOW_RERANKER is a URL; set WINNOW_RERANKER_MODEL, too")
    return EndpointReranker(
        settings.reranker, settings.reranker_model, _shown(settings.reranker_api_key)
    )


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _shown(key: SecretStr | None) -> str | None:
    return key.get_secret_value() if key else None
