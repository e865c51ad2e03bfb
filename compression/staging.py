"""Where a checkpoint is made: beside the folder that it is to be, under another name.

`OUT.partial` holds each step's outcome, so that the same order goes on where it was interrupted;
the last becomes `OUT` by being renamed. A checkpoint that the gate refuses becomes `OUT.rejected`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compression.errors import UnusableInput

ORDER, LOCK, MADE = "order.json", "lock", "made"
PART, REJECTED = ".part", ".rejected"
FILE_MODE, FOLDER_MODE = 0o666, 0o777
"""But for the process's umask. Tools write some files as 0600, unreadable to a server of another
user."""


@dataclass(frozen=True)
class Staging:
    """`folder` is `OUT.partial`; `order` says what is made in it."""

    out: Path
    order: Mapping[str, object]

    @property
    def folder(self) -> Path:
        return _beside(self.out, ".partial")

    @property
    def rejected(self) -> Path:
        return _beside(self.out, REJECTED)

    @property
    def final(self) -> Path:
        """The finished checkpoint until it is published, under its own name."""
        return self.folder / MADE / self.out.name

    def step_folder(self, number: int, kind: str) -> Path:
        return self.folder / f"step-{number}-{kind}"

    def begin_step(self, number: int, kind: str) -> Path:
        """A name that is free, for what is not whole yet."""
        part = self.step_folder(number, kind).with_suffix(PART)
        if part.exists():
            shutil.rmtree(part)
        return part

    def end_step(self, number: int, kind: str) -> None:
        folder = self.step_folder(number, kind)
        folder.with_suffix(PART).rename(folder)

    def finish(self, folder: Path) -> Path:
        """`folder` as the finished checkpoint."""
        self.final.parent.mkdir(exist_ok=True)
        return folder.rename(self.final)

    def publish(self) -> None:
        """Move the finished checkpoint to `OUT`.

        Raises:
            UnusableInput: something has taken the name meanwhile.
        """
        self._move(self.out)

    def reject(self) -> None:
        """Move the finished checkpoint to `OUT.rejected`.

        Raises:
            UnusableInput: something has taken the name meanwhile.
        """
        self._move(self.rejected)

    def _move(self, target: Path) -> None:
        _check_free(target)
        allowed = ~_umask()
        for path in (self.final, *self.final.rglob("*")):
            path.chmod((FOLDER_MODE if path.is_dir() else FILE_MODE) & allowed)
        os.rename(self.final, target)
        shutil.rmtree(self.folder)


@contextmanager
def staged(out: Path, fingerprint: Mapping[str, object]) -> Iterator[Staging]:
    """What an earlier run of the same order left is taken up. `fingerprint` says which order.

    Raises:
        UnusableInput: the names are taken, another run is at work there, or another order was.
    """
    staging = Staging(out, fingerprint)
    check_names(out)
    try:
        staging.folder.mkdir(exist_ok=True)
        _check_own(staging.folder)
        lock = (staging.folder / LOCK).open("w")
    except OSError as failure:
        raise UnusableInput(f"--out {out}: {failure.strerror}: {failure.filename}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableInput(f"--out {out}: another winnow compress is at work on it") from None
        _check_order(staging)
        yield staging


def partial_bytes(out: Path) -> int:
    """What an earlier run has on the disk already."""
    files = _beside(out, ".partial").rglob("*")
    return sum(path.lstat().st_size for path in files if path.is_file())


def check_names(out: Path) -> None:
    """Check that `out` and its `.rejected` are free and that their folder can be written to.

    Raises:
        UnusableInput: one of them exists, or their folder is missing or not writable.
    """
    if not out.parent.is_dir():
        raise UnusableInput(f"--out {out}: {out.parent} is no folder")
    if not os.access(out.parent, os.W_OK):
        raise UnusableInput(f"--out {out}: {out.parent} cannot be written to")
    _check_free(out)
    _check_free(_beside(out, REJECTED))


def _check_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise UnusableInput(f"--out: {path} exists; remove it, or give another name")


def _check_order(staging: Staging) -> None:
    file = staging.folder / ORDER
    text = json.dumps(staging.order, indent=1, sort_keys=True)
    if not file.exists():
        write_whole(file, text)
    elif file.read_text() != text:
        raise UnusableInput(
            f"{staging.folder} is what another order left (see {ORDER} there): another recipe, "
            "checkpoint, calibration text or version of the tools; give the same again, or remove "
            "it"
        )


def _check_own(folder: Path) -> None:
    """Check that the folder is winnow compress's own: it goes when the checkpoint is published.

    Raises:
        UnusableInput: it is somebody else's.
    """
    has_other = not (folder / ORDER).exists() and {one.name for one in folder.iterdir()} - {LOCK}
    if folder.is_symlink() or has_other:
        raise UnusableInput(f"--out: {folder} is not winnow compress's; move it away")


def write_whole(file: Path, text: str) -> None:
    """All of it or nothing, also where the process is killed meanwhile."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(text, "utf-8")
    draft.replace(file)


def _umask() -> int:
    """It can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _beside(out: Path, suffix: str) -> Path:
    return out.with_name(out.name + suffix)
