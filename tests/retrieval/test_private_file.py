import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.private_file import make_private
from retrieval.sqlite_store import SQLiteStore
from tests.retrieval.material import TENANT


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_store_and_what_sqlite_puts_beside_it_are_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "own" / "c.sqlite3"
    store = SQLiteStore(path)
    store.create(TENANT, "facts", None, None, memory=False)
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "c.sqlite3": 0o600,
        "c.sqlite3-wal": 0o600,
        "c.sqlite3-shm": 0o600,
    }
    assert mode(path.parent) == 0o700
    store.close()


def test_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path / "c.sqlite3")
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o644, 0o600), (0o666, 0o660), (0o640, 0o600), (0o660, 0o660), (0o400, 0o400)],
)
def test_store_from_before_loses_rights_that_nobody_gave(
    tmp_path: Path, before: int, after: int
) -> None:
    for name in ("c", "c-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(before)
    make_private(tmp_path / "c", beside=("-wal", "-shm"))
    assert (mode(tmp_path / "c"), mode(tmp_path / "c-wal")) == (after, after)
    assert not (tmp_path / "c-shm").exists()


def test_target_of_a_link_is_private(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    make_private(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert mode(tmp_path / "target") == 0o600
