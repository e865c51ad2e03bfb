"""Keys: what each may do, and the file that keeps them.

A key is 256 random bits. The file has its SHA-256 and never the key itself: what cannot be guessed
needs no slow hash.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PREFIX = "wk_"
NUM_BYTES = 32
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Role = Literal["user", "monitor", "admin"]
"""A monitor reads metrics and versions; an admin may change what the server serves, too."""
Limit = Annotated[int, Field(ge=1, le=10**12)]


class UnusableKeys(Exception):
    """The file of keys cannot be read or written, or has no such key."""


class Key(BaseModel):
    """One key; of a limit, None is no limit. `models` and `decoders` None are all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    tenant: str = Field(pattern=NAME)
    role: Role = "user"
    models: tuple[str, ...] | None = None
    decoders: tuple[str, ...] | None = None
    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    tokens_per_day: Limit | None = None
    max_requests: Limit | None = None
    store_mb: Limit | None = None
    """None is `WINNOW_STORE_QUOTA_MB`."""
    created_at: float
    expires_at: float | None = None

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "_File":
        names = [key.name for key in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("two keys have the same name")
        return self


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(NUM_BYTES)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of the file.

    Raises:
        UnusableKeys: the file is missing, cannot be read or is invalid.
    """
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        raise UnusableKeys(
            f"keys {path}: there is no such file; `winnow keys create` makes it"
        ) from None
    except OSError as failure:
        raise UnusableKeys(f"keys {path}: {failure.strerror}") from None
    except ValidationError as failure:
        error = failure.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, error["loc"])) or "the file"
        raise UnusableKeys(f"keys {path}: {place}: {error['msg']}") from None


def add_key(path: Path, key: Key) -> None:
    """Add a key to the file, which is made if it is missing.

    Raises:
        UnusableKeys: the key's name is taken, or the file cannot be used.
    """
    with _changing(path) as keys:
        if any(known.name == key.name for known in keys):
            raise UnusableKeys(f"keys {path}: there is a key {key.name!r}; revoke it first")
        keys.append(key)


def revoke_key(path: Path, name: str) -> None:
    """Remove the key of this name from the file.

    Raises:
        UnusableKeys: there is none of this name, or the file cannot be used.
    """
    with _changing(path) as keys:
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            names = ", ".join(key.name for key in keys) or "none"
            raise UnusableKeys(f"keys {path}: there is no key {name!r}; there are {names}")
        keys[:] = kept


@contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed; written back at the end, unless it fails."""
    try:
        path = path.resolve()  # a link stays one: what it leads to is written
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
            keys = list(read_keys(path)) if path.exists() else []
            yield keys
            _write(path, keys)
    except OSError as failure:
        raise UnusableKeys(f"keys {path}: {failure.strerror}") from None
    except RuntimeError:  # Path.resolve's, before Python 3.13
        raise UnusableKeys(f"keys {path}: the link leads back to itself") from None


def _write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file at once: a server that reads meanwhile sees the old file or the new one."""
    content = _File(keys=tuple(keys)).model_dump(mode="json", exclude_none=True)
    aside = path.with_name(f"{path.name}.part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
