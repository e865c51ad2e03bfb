"""Room on the disk of the SQLite store that documents do not get.

Documents are refused while the disk has less left than the reserve, so that replies, feedback and
deletions go on. Against a disk that something else has filled there is a file beside the store,
which is given up while something is deleted: a deletion needs room in the write-ahead log before it
makes any.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retrieval.store import StoreFull

BYTES_PER_MB = 10**6
MAX_FILE_BYTES = 16 * BYTES_PER_MB
"""More than a deletion in small steps needs at a time."""


class DiskReserve:
    """The reserve of one store; without any for 0 bytes."""

    def __init__(self, store: Path, num_bytes: int) -> None:
        self._store = store
        self._num_bytes = num_bytes
        self._file = store.with_name(f"{store.name}-reserve")

    def check(self, db: sqlite3.Connection, num_bytes: int) -> None:
        """Check that `num_bytes` more fit beside the reserve, then make its file if it is missing.

        Raises:
            StoreFull: what is to be added would take of the reserve.
        """
        if self._num_bytes and self._num_free(db) - num_bytes < self._num_bytes:
            megabytes = self._num_bytes / BYTES_PER_MB
            raise StoreFull(
                f"the disk of {self._store.name} is full but for {megabytes:g} MB that documents "
                "may not take; nothing of it was kept. Delete documents, or have the operator make "
                "room"
            )

        self.keep()  # where there was no room for it before

    def keep(self) -> None:
        """Have the file, as far as there is room for it."""
        size = min(self._num_bytes, MAX_FILE_BYTES)
        if not size or self._file.exists():
            return
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:  # another process makes it, or nobody can
            return
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self.give_up()
        finally:
            os.close(descriptor)

    def give_up(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Delete the reserve's file while the context runs; it is made again at the end."""
        self.give_up()
        try:
            yield
        finally:
            self.keep()

    def _num_free(self, db: sqlite3.Connection) -> int:
        """The free bytes of the disk and of the store's own file, whose free pages are reused."""
        (num_pages,) = db.execute("PRAGMA freelist_count").fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        return shutil.disk_usage(self._store.parent).free + int(num_pages * page_bytes)
