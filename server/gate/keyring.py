"""Which keys open the server: those of its file, read anew when that changes, and those of
`--api-key`."""

import logging
import os
import time
from collections.abc import Sequence
from hmac import compare_digest
from pathlib import Path

from server.gate.caller import ANYBODY, Caller
from server.gate.keys import Key, UnusableKeys, digest, read_keys
from server.gate.tenancy import tenant_named, tenant_of_key

BEARER = "bearer "

logger = logging.getLogger(__name__)


class Keyring:
    """The server's keys: those of a file, read again when it changes, and those that were given.

    A file that is broken later leaves the keys as they were, and the log says so.

    Raises:
        UnusableKeys: the file cannot be read when the server starts.
    """

    def __init__(self, path: Path | None, given: Sequence[str] = ()) -> None:
        self._path = path
        self._given = tuple(digest(token) for token in given)
        self._stamp = self._stamp_now()
        self._keys: tuple[Key, ...] = read_keys(path) if path is not None else ()

    @property
    def is_open(self) -> bool:
        """Whether the server takes requests without a key."""
        return self._path is None and not self._given

    def find(self, token: str | None) -> Caller | None:
        """Who has this key; None where nobody has, or where it has expired.

        Every key is compared, so that the time taken tells nothing of which one matched.
        """
        if self.is_open:
            tenant = tenant_of_key(token or "")
            return ANYBODY if tenant == ANYBODY.tenant else Caller(ANYBODY.name, tenant)
        if not token:
            return None
        self._refresh()
        sought, found = digest(token), None
        for key in self._keys:
            if compare_digest(key.sha256, sought):
                found = Caller(key.name, tenant_named(key.tenant), key)
        for sha256 in self._given:
            if compare_digest(sha256, sought):
                found = Caller("api_key", tenant_of_key(token))
        if found is not None and found.key is not None and found.key.is_expired(time.time()):
            return None
        return found

    def _refresh(self) -> None:
        stamp = self._stamp_now()
        if self._path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = read_keys(self._path)
        except UnusableKeys as failure:
            logger.error("%s; the keys that were read before stay in force", failure)

    def _stamp_now(self) -> tuple[int, ...]:
        if self._path is None:
            return ()
        try:
            stat = os.stat(self._path)
        except OSError:
            return ()
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def token_of(authorization: bytes | None) -> str | None:
    """The token of an Authorization header; None where it has none."""
    if authorization is None:
        return None
    text = authorization.decode("latin-1")
    if not text.lower().startswith(BEARER):
        return None
    return text[len(BEARER) :].strip() or None
