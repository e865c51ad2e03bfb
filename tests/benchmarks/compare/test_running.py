"""What peers share is started once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from benchmarks.compare.failures import PeerFailed
from benchmarks.compare.peer import Running


def test_started_once_and_ended_with_the_stack() -> None:
    events: list[str] = []

    @contextmanager
    def start() -> Iterator[int]:
        events.append("start")
        yield len(events)
        events.append("end")

    with ExitStack() as stack:
        running = Running(stack)
        assert running.once("a", start) == running.once("a", start) == 1
        assert running.once("b", start) == 2
        assert events == ["start", "start"]
    assert events == ["start", "start", "end", "end"]


def test_what_failed_to_start_is_not_tried_again() -> None:
    attempts: list[int] = []

    @contextmanager
    def start() -> Iterator[None]:
        attempts.append(1)
        raise PeerFailed("no memory")
        yield

    with ExitStack() as stack:
        running = Running(stack)
        for _ in range(2):
            with pytest.raises(PeerFailed, match="no memory"):
                running.once("a", start)
    assert len(attempts) == 1
