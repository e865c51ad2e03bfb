"""What the operator sets: environment variables that begin with WINNOW_."""

from typing import Annotated, Any, Literal

from pydantic import (
    DirectoryPath,
    Field,
    FilePath,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

PREFIX = "WINNOW_"
Host = Annotated[str, StringConstraints(pattern=r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$")]
"""A name without a port; `*.` stands for one or more labels before it, `*` for any name."""


class WrongSetting(Exception):
    """The message names the variable and says what is wrong with it."""


class Settings(BaseSettings):
    """Limits and intervals of a server.

    Raises:
        pydantic.ValidationError: a variable does not read as its type or is out of range.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str | None = Field(None, description="the address to listen on, where --host names none")
    port: int | None = Field(
        None, ge=1, le=65_535, description="the port to listen on, where --port names none"
    )
    max_paths: int = Field(
        64, ge=1, le=128, description="paths that one request may run at the same time"
    )
    max_request_tokens: int | None = Field(
        None,
        ge=1,
        description="most tokens that one request may ask for, its paths times what each may "
        "generate; without it, so many as `max_paths` full contexts have",
    )
    max_logprobs: int = Field(
        131_072,
        ge=1,
        description="most log-probabilities that one request may ask for: its paths or prompts, "
        "times their tokens, times those of a token",
    )
    max_requests: int = Field(
        1024, ge=1, description="requests that the server has at work at the same time"
    )
    max_tenant_share: float = Field(
        0.75,
        gt=0,
        le=1,
        description="largest part of `max_requests` and of `max_incoming_mb` that one tenant may "
        "have, on a server with keys; the rest is left to the others",
    )
    max_incoming_mb: float = Field(
        512.0,
        gt=0,
        description="bodies that are on their way at the same time, megabytes received so far",
    )
    max_body_mb: float = Field(
        1.0, gt=0, le=1000, description="largest body of a request but for uploads, megabytes"
    )
    body_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="longest that a request's body may be on its way, seconds"
    )
    head_timeout_s: float = Field(
        10.0, gt=0, le=3600, description="longest that its head may be, seconds"
    )
    write_timeout_s: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="longest that a client may take nothing of a reply that waits for it, seconds",
    )
    keys: FilePath | None = Field(
        None,
        description="the file of keys that `winnow keys` writes; without it, and without "
        "--api-key, the server takes requests from anybody",
    )
    extra_routes: tuple[str, ...] = Field(
        (),
        description="routes of vLLM that are closed otherwise, for whoever has a key, as a JSON "
        'list: `["/inference/v1/generate"]`',
    )
    allowed_hosts: tuple[Host, ...] | None = Field(
        None,
        description="names that requests may have in Host beside localhost and IP addresses, as a "
        'JSON list: `["llm.example.org", "*.internal", "*"]`; without it none on a server without '
        "keys, and any on one with keys",
    )
    cache_secret: SecretStr | None = Field(
        None,
        description="what tenants' prefix caches are kept apart by; servers that share a KV cache "
        "need the same one, others make one up at each start",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="of the log: `auto` is text on a terminal and JSON elsewhere"
    )
    keep_alive_s: float = Field(
        15.0, gt=0, le=600, description="longest silence in a stream while paths run, seconds"
    )
    progress_comments: bool = Field(
        True,
        description="send comments in streams, with the progress of decoders and against silence; "
        "a request's own `progress` goes before it",
    )
    max_timeout_s: float = Field(
        600.0,
        gt=0,
        le=86_400,
        description="longest that a request may take, seconds: the most that its `timeout_s` may "
        "say, and what holds where it says nothing",
    )
    compile_timeout_s: float = Field(
        5.0,
        gt=0,
        le=60,
        description="longest that a schema, grammar or regular expression may take to compile, "
        "seconds; a large vocabulary on few processors may need more",
    )
    verifier_timeout_s: float = Field(
        10.0, gt=0, le=600, description="longest that a verifier may take over a sample, seconds"
    )
    verifier_url: HttpUrl | None = Field(
        None, description="the reward endpoint of the verifier `http`"
    )
    verifier_model: str | None = Field(None, description="the model that it is asked for")
    verifier_api_key: SecretStr | None = Field(None, description="its bearer token")
    powercap: DirectoryPath | None = Field(
        None,
        description="the folder in which the processors' energy counters are to be found, where "
        "that is not /sys/class/powercap",
    )
    store: str = Field(
        "~/.local/share/winnow/collections.sqlite3",
        description="the file that collections are kept in, made when it is needed; or a "
        "postgresql:// URL, for several servers",
    )
    store_quota_mb: float = Field(
        1000.0,
        gt=0,
        description="megabytes that one tenant's collections, their documents and memory, may take "
        "of the store; a key's --store-mb says otherwise",
    )
    store_reserve_mb: float = Field(
        64.0,
        ge=0,
        description="megabytes of the disk that documents leave free for replies, feedback and "
        "deletions, where the store is a file",
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
    canaries: FilePath | None = Field(
        None,
        description="a JSONL file of problems, {question, gold}, that are asked again and again to "
        "see how often the checkpoint is right",
    )
    canary_decoders: tuple[str | dict[str, Any], ...] = Field(
        ("greedy", "cot_decoding"),
        min_length=1,
        description="what they are asked by: a JSON list of strategies or of `decoding` objects",
    )
    canary_interval_s: float = Field(60.0, ge=1, description="seconds from one lot to the next")
    canary_problems: int = Field(4, ge=1, description="problems in a lot")
    canary_max_tokens: int = Field(512, ge=1, description="most tokens of a reply to one")
    canary_when: Literal["idle", "always"] = Field(
        "idle",
        description="ask while no user is being served, or always, behind the users in vLLM's "
        "queue: that needs --scheduling-policy priority",
    )
    log_prompts: bool = Field(
        False, description="keep the question with each reply in the log of replies"
    )
    max_document_mb: float = Field(
        20.0, gt=0, le=1000, description="largest document that is taken over HTTP, megabytes"
    )
    max_document_chars: int = Field(
        5_000_000, ge=1, description="most characters of text that one document may give"
    )
    read_timeout_s: float = Field(
        20.0, gt=0, le=3600, description="longest that a document may take to be read, seconds"
    )
    read_memory_mb: int = Field(
        1024,
        ge=512,
        description="most memory that the process may have which reads a document, megabytes of "
        "addresses",
    )


def load_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        WrongSetting: a variable does not read as its type, or is out of range.
    """
    try:
        return Settings()
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        name = f"{PREFIX}{error['loc'][0]}".upper()
        raise WrongSetting(f"{name}: {error['msg']}, got {error['input']!r}") from None
    except SettingsError as failure:  # of lists, which are JSON
        name = next(name for name in Settings.model_fields if f'"{name}"' in str(failure))
        raise WrongSetting(f"{PREFIX}{name}".upper() + " must be a JSON list") from None
