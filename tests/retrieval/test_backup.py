"""The backups that DEPLOYMENT.md describes, by its commands: what comes back is what was kept."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.retrieval.postgres_server import PostgresServer, binaries

DEPLOYMENT = Path(__file__).parents[2] / "DEPLOYMENT.md"
WINNOW = Path(sys.executable).with_name("winnow")


def commands(start: str) -> list[str]:
    """Those of the document that begin so, without their comments."""
    found = re.findall(rf"^{re.escape(start)}.*$", DEPLOYMENT.read_text(), re.MULTILINE)
    assert found, start
    return [re.sub(r"\s+# .*", "", line) for line in found]


def winnow(*arguments: str | Path) -> str:
    command = [WINNOW, "collection", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fill(store: str, folder: Path) -> None:
    document = folder / "moon.txt"
    document.write_text("The moon of Winnow has 12 craters.\n")
    winnow("--store", store, "create", "facts")
    winnow("--store", store, "add", "facts", document)


def check(store: str) -> None:
    assert "1 records, 0 problems" in winnow("--store", store, "verify")
    assert "12 craters" in winnow("--store", store, "search", "facts", "craters of the moon")


def test_sqlite_store_is_copied_while_it_is_written(tmp_path: Path) -> None:
    store = tmp_path / "collections.sqlite3"
    fill(str(store), tmp_path)
    (command,) = commands("docker exec winnow python3 -c")
    program = shlex.split(command)[-1].replace("/data/", f"{tmp_path}/")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    check(str(tmp_path / "backup.sqlite3"))


def test_postgres_store_is_dumped_and_restored(tmp_path: Path, postgres: PostgresServer) -> None:
    old, new = postgres.new_database(), postgres.new_database()
    fill(old, tmp_path)
    folder = binaries()
    assert folder is not None
    environment = {"PATH": f"{folder}:/bin", "WINNOW_STORE": old, "NEW_STORE": new}
    for start in ("pg_dump", "pg_restore"):
        (command,) = commands(start)
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    check(new)


@pytest.mark.parametrize("start", ["winnow collection --store"])
def test_what_the_document_checks_by_is_a_command(start: str) -> None:
    for command in commands(start):
        assert shlex.split(command)[-1] == "verify"
