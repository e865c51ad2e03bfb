"""What the operator sets: environment variables that begin with WINNOW_."""

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Limits and intervals of a server.

    Raises:
        pydantic.ValidationError: a variable does not read as its type or is out of range.
    """

    model_config = SettingsConfigDict(env_prefix="WINNOW_", frozen=True)

    max_paths: int = Field(
        64, ge=1, le=1024, description="paths that one request may run at the same time"
    )
    keep_alive_s: float = Field(
        15.0, gt=0, le=600, description="longest silence in a stream while paths run, seconds"
    )
    verifier_timeout_s: float = Field(
        10.0, gt=0, le=600, description="longest that a verifier may take over a sample, seconds"
    )
    verifier_url: HttpUrl | None = Field(
        None, description="the reward endpoint of the verifier `http`"
    )
    verifier_model: str | None = Field(None, description="the model that it is asked for")
    verifier_api_key: SecretStr | None = Field(None, description="its bearer token")
    store: str = Field(
        "~/.local/share/winnow/collections.sqlite3",
        description="the file that collections are kept in, made when it is needed; or a "
        "postgresql:// URL, for several servers",
    )
    embedder: str | None = Field(
        None,
        description="what collections are embedded with: a sentence-transformers folder or hub "
        "name, or the base URL of an OpenAI-style server; without it words alone are searched",
    )
    embedder_model: str | None = Field(
        None, description="the model that such a server is asked for"
    )
    embedder_api_key: SecretStr | None = Field(None, description="its bearer token")
    reply_retention_days: float = Field(
        30.0, ge=0, description="how long replies are kept to be judged; 0 keeps none"
    )
    reranker: str | None = Field(
        None,
        description="what orders the passages found: a cross-encoder's folder or hub name, or the "
        "base URL of a server with /rerank; without it nothing does",
    )
    reranker_model: str | None = Field(
        None, description="the model that such a server is asked for"
    )
    reranker_api_key: SecretStr | None = Field(None, description="its bearer token")
    memory_agreement: float | None = Field(
        None,
        gt=0.5,
        le=1,
        description="a vote of at least this agreement confirms what a collection remembers; "
        "without it no vote does",
    )
    memory_verifiers: tuple[str, ...] = Field(
        (), description="verifiers of best_of_n that confirm it, as a JSON list"
    )
    memory_verifier_score: float = Field(1.0, description="the least score that does")
    memory_quota: int = Field(
        1000, ge=1, description="replies that a collection remembers of one key"
    )
    max_document_mb: float = Field(
        20.0, gt=0, le=1000, description="largest document that is taken over HTTP, megabytes"
    )
