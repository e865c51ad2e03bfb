"""Rounds in turns, so that slow drifts of the machine meet all sides alike."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.compare.failures import FAILURES, last_reason
from benchmarks.compare.peer import Label, Peer, Round, Run, Running, Setting, Task
from benchmarks.token_work import take_slice
from evaluation.eval_set import Problem

NUM_WARM_UP = 8
NUM_SLOW_WARM_UP = 1
Tell = Callable[[str], None]
"""Progress, for people."""


class OursFailed(Exception):
    """The message names the side of ours and what went wrong."""


@dataclass(frozen=True)
class Result:
    """`failure` is why it has no rounds, or not all of them."""

    label: Label
    rounds: tuple[Round, ...]
    failure: str | None = None


@dataclass(frozen=True)
class Sizes:
    """Questions a round, by the task; slow peers get the first `slow` of them."""

    rounds: int
    questions: Mapping[Task, int]
    slow: int

    def questions_of(self, label: Label, problems: Sequence[Problem], number: int) -> list[Problem]:
        asked = take_slice(problems, number, self.questions[label.task])
        return asked[: self.slow] if label.is_slow else asked


def measure(
    peers: Sequence[Peer], setting: Setting, problems: Sequence[Problem], sizes: Sizes, tell: Tell
) -> list[Result]:
    """The rounds of one task. What it starts beside the servers, it stops.

    Raises:
        OursFailed: a side of ours failed. A peer that fails keeps its rounds to itself from then
            on, and is reported.
    """
    rounds: dict[str, list[Round]] = {peer.label.key: [] for peer in peers}
    failures: dict[str, str] = {}
    runs: dict[str, Run] = {}

    def attempt(peer: Peer, what: str, work: Callable[[], None]) -> None:
        label = peer.label
        if label.key in failures:
            return
        tell(f"{what}: {label.name}")
        try:
            work()
        except FAILURES as failure:
            if label.is_ours:
                raise OursFailed(f"{label.name}: {last_reason(str(failure))}") from failure
            failures[label.key] = last_reason(str(failure))
            tell(f"{label.name} cannot run here: {failures[label.key]}")

    with ExitStack() as stack:
        setting = replace(setting, running=Running(stack))

        def prepare(peer: Peer) -> None:
            runs[peer.label.key] = peer.prepare(setting)
            num_asked = NUM_SLOW_WARM_UP if peer.label.is_slow else NUM_WARM_UP
            runs[peer.label.key](take_slice(problems, 0, num_asked))

        def run(peer: Peer, number: int) -> None:
            asked = sizes.questions_of(peer.label, problems, number)
            rounds[peer.label.key].append(runs[peer.label.key](asked))

        for peer in peers:
            attempt(peer, "preparing", partial(prepare, peer))
        for number in range(sizes.rounds):
            for peer in turns(peers, number):
                attempt(peer, f"round {number + 1} of {sizes.rounds}", partial(run, peer, number))
    return [
        Result(peer.label, tuple(rounds[peer.label.key]), failures.get(peer.label.key))
        for peer in peers
    ]


def turns(peers: Sequence[Peer], number: int) -> Sequence[Peer]:
    """Every other time the other way round."""
    return peers if number % 2 == 0 else peers[::-1]
