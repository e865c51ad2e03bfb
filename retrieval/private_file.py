"""A file of the server's own, which other users of the machine cannot read."""

import logging
import os
import stat
from pathlib import Path

OTHERS, GROUP = stat.S_IRWXO, stat.S_IRWXG

logger = logging.getLogger(__name__)


def make_private(path: Path, beside: tuple[str, ...] = ()) -> None:
    """Make the file, mode 0600, in a folder of mode 0700 where there is none; of one that is there
    take the rights that nobody meant to give. `beside` ends the names of files that go with it.

    A group that may write keeps its rights: somebody gave them. Others have none.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # A link's target, too: what opens the file next would make it readable by all.
        os.close(os.open(os.path.realpath(path), os.O_WRONLY | os.O_CREAT, 0o600))
    for one in (path, *(path.with_name(path.name + end) for end in beside)):
        _tighten(one)


def _tighten(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        kept = mode & ~OTHERS if mode & stat.S_IWGRP else mode & ~(OTHERS | GROUP)
        if kept != mode:
            path.chmod(kept)
            logger.warning(
                "%s was open to other users: its mode is %o now, not %o", path, kept, mode
            )
    except FileNotFoundError:
        pass
    except PermissionError:
        logger.warning("%s is another user's, and open to more than that one", path)
