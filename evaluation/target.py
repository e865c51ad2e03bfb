"""The server that is asked: one that runs already, or one that is started for it."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import openai

from measurement.machine import free_port
from measurement.server_process import NoServer, running_server
from measurement.serving import POCKET, Serving, serving_here

LOCALHOST = "127.0.0.1"
ANSWER_TIMEOUT_S = 10.0
NO_RECORD = {"WINNOW_REPLY_RETENTION_DAYS": "0"}
NO_KEY = "none"
SERVER_KEY = "VLLM_API_KEY"


class UnusableTarget(Exception):
    """The message names the flag, its value and what is allowed."""


@dataclass(frozen=True)
class Endpoint:
    """`base_url` as OpenAI's client takes it. An empty `api_key` sends none. `is_local`: proxies
    of the environment are not for it."""

    base_url: str
    model: str
    api_key: str
    is_local: bool = False

    @property
    def headers(self) -> Mapping[str, str | openai.Omit]:
        return _headers(self.api_key)


class Target(Protocol):
    """`name` and `model` tell what a run asks before any server is there."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    def open(self) -> AbstractContextManager[Endpoint]:
        """The endpoint, for as long as the block runs."""


@dataclass(frozen=True)
class RunningTarget:
    endpoint: Endpoint

    @property
    def name(self) -> str:
        return self.endpoint.base_url

    @property
    def model(self) -> str:
        return self.endpoint.model

    @contextmanager
    def open(self) -> Iterator[Endpoint]:
        yield self.endpoint


@dataclass(frozen=True)
class OwnTarget:
    """`winnow serve` on a free port, stopped on leaving."""

    name: str
    serving: Serving
    api_key: str

    @property
    def model(self) -> str:
        return self.serving.model

    @contextmanager
    def open(self) -> Iterator[Endpoint]:
        """Start the server for as long as the block runs.

        Raises:
            ChildFailed: it does not become ready.
        """
        with running_server("winnow", self.serving, free_port()) as server:
            yield Endpoint(f"{server.url}/v1", server.model, self.api_key, is_local=True)


def running_target(url: str, model: str | None, api_key: str) -> RunningTarget:
    """A server at its root or at the path of its API, such as https://host/v1; without `model`,
    the one that it serves.

    Raises:
        UnusableTarget: it is no URL, or the server has several models.
        NoServer: its models cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UnusableTarget(f"--server must be a URL such as http://{LOCALHOST}:8000, got {url!r}")
    base_url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
    return RunningTarget(Endpoint(base_url, model or _only_model(base_url, api_key), api_key))


def own_target(checkpoint: str, api_key: str) -> OwnTarget:
    folder = Path(checkpoint).expanduser()
    is_folder = checkpoint != POCKET and folder.exists()
    name = str(folder.resolve()) if is_folder else checkpoint
    how = serving_here(name)
    # For us alone: at no other address, by no key but ours, and nothing asked is kept.
    environment = {k: v for k, v in how.environment.items() if k != SERVER_KEY} | NO_RECORD
    flags = {**how.flags, "--host": LOCALHOST}
    return OwnTarget(name, replace(how, flags=flags, environment=environment), api_key)


def _headers(api_key: str) -> Mapping[str, str | openai.Omit]:
    """OpenAI's client insists on a key, and sends none only where a request says so."""
    return {} if api_key else {"Authorization": openai.Omit()}


def _only_model(base_url: str, api_key: str) -> str:
    """Names `MODEL:strategy` are Winnow's for the decoders of MODEL."""
    try:
        with openai.OpenAI(
            base_url=base_url, api_key=api_key or NO_KEY, timeout=ANSWER_TIMEOUT_S, max_retries=1
        ) as client:
            listed = client.models.list(extra_headers=_headers(api_key))
            names = [model.id for model in listed.data]
    except (openai.OpenAIError, AttributeError, TypeError) as failure:
        raise NoServer(f"{base_url}/models cannot be read: {failure}") from None
    models = [name for name in names if name.rpartition(":")[0] not in names]
    if len(models) != 1:
        raise UnusableTarget(
            f"--model must name one of the models of {base_url}: {', '.join(models) or 'none'}"
        )
    return models[0]
