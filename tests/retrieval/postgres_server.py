"""A PostgreSQL server with pgvector for the tests, from the binaries that `pgserver` carries.

Its own way of starting them is not taken: as root it makes a user of the system, and opens folders.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg

NUMBERS = count()
INITDB = ("--username=postgres", "--auth=trust", "--encoding=utf8", "--locale=C")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """`folder` holds its socket; it listens to no port."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """URL of an empty one."""
        name = f"test_{next(NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def binaries() -> Path | None:
    """Found without an import, which would make folders."""
    spec = find_spec("pgserver")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextmanager
def running_postgres(binaries: Path) -> Iterator[PostgresServer]:
    # Not in pytest's folder: the path of a socket is short, and root's folders are closed to it.
    folder = Path(tempfile.mkdtemp(prefix="winnow-postgres-"))
    data, log = folder / "data", folder / "log"
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    try:
        _give_to_user(folder)
        _run(binaries / "initdb", "-D", data, *INITDB)
        _run(binaries / "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        try:
            yield PostgresServer(folder)
        finally:
            _run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _user() -> str | None:
    """Whom the server runs as: it refuses to be root."""
    return "nobody" if os.geteuid() == 0 else None


def _give_to_user(folder: Path) -> None:
    if (user := _user()) is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)


def _run(*command: str | Path) -> None:
    user = _user()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    )
