"""The library that the settings describe."""

from pathlib import Path

from server.collections.embedders import (
    Embedder,
    EmbedderFailed,
    EndpointEmbedder,
    SentenceTransformersEmbedder,
)
from server.collections.library import Library
from server.collections.sqlite_store import SQLiteStore
from server.collections.store import Store, StoreBroken
from server.settings import Settings


def open_library(settings: Settings) -> Library:
    """Raises CollectionError: the store cannot be used, or the embedder is only half described."""
    return Library(_store(settings.store), _embedder(settings))


def _store(place: str) -> Store:
    if not place.startswith(("postgresql://", "postgres://")):
        return SQLiteStore(Path(place).expanduser())
    try:
        from server.collections.postgres_store import PostgresStore
    except ImportError:
        raise StoreBroken(
            "WINNOW_STORE is a PostgreSQL URL: pip install 'winnow[postgres]'"
        ) from None
    return PostgresStore(place)


def _embedder(settings: Settings) -> Embedder | None:
    if settings.embedder is None:
        return None
    if not settings.embedder.startswith(("http://", "https://")):
        return SentenceTransformersEmbedder(settings.embedder)
    if settings.embedder_model is None:
        raise EmbedderFailed("WINNOW_EMBEDDER is a URL; set WINNOW_EMBEDDER_MODEL, too")
    key = settings.embedder_api_key
    return EndpointEmbedder(
        settings.embedder, settings.embedder_model, key.get_secret_value() if key else None
    )
