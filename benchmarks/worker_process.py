"""A peer that is a Python loop and no server: a process that is asked line by line.

Both sides speak JSON, one object a line, so that the peer's rounds can take turns with the
server's while its model stays loaded.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from measurement.child_process import Child, running_child

Json = dict[str, Any]  # requests and replies, each worker's own

READY = {"ready": True}


@dataclass(frozen=True)
class Worker:
    child: Child

    def ask(self, request: Json) -> Json:
        """Send a request and return the worker's reply.

        Raises:
            ChildFailed: the worker died.
        """
        assert self.child.process.stdin is not None
        try:
            self.child.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.child.process.stdin.flush()
        except BrokenPipeError:
            raise self.child.failure("the worker ended") from None
        return self.read()

    def read(self) -> Json:
        assert self.child.process.stdout is not None
        line = self.child.process.stdout.readline()
        if not line:
            raise self.child.failure("the worker ended")
        reply: Json = json.loads(line)
        return reply


@contextmanager
def running_worker(
    module: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Worker]:
    """`python -m module` with its model loaded; it is stopped on leaving."""
    command = [sys.executable, "-m", module, *arguments]
    with running_program(command, environment) as worker:
        yield worker


@contextmanager
def running_program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Worker]:
    """A worker that is no module of ours; it is stopped on leaving."""
    with running_child(command, environment, has_pipes=True) as child:
        worker = Worker(child)
        worker.read()
        yield worker


def answer_requests(load: Callable[[], Callable[[Json], Json]]) -> None:
    """The worker's side: load once, say that it is ready, then answer until stdin ends.

    stdout is kept for the replies; whatever libraries print goes to stderr.
    """
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1) as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        answer = load()
        replies.write(json.dumps(READY) + "\n")
        for line in sys.stdin:
            replies.write(json.dumps(answer(json.loads(line))) + "\n")
