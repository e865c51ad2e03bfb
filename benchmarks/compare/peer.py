"""What a peer is: something that answers a round of questions."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, cast

from benchmarks.compare.environments import Environments
from benchmarks.compare.failures import FAILURES
from evaluation.eval_set import Problem
from measurement.server_process import Program, Server, running_server
from measurement.serving import Serving

Task = Literal["greedy", "cot", "vote"]
Family = Literal["winnow", "vllm", "optillm", "its_hub", "hf", "floor"]
"""What a peer is chosen by."""

T = TypeVar("T")


@dataclass(frozen=True)
class Round:
    """`num_tokens` are all that were generated, those of discarded paths too; None where the peer
    does not tell. `right` says it question by question; None of a peer that selects nothing."""

    num_questions: int
    wall_s: float
    num_tokens: int | None
    right: tuple[bool, ...] | None

    @property
    def questions_per_s(self) -> float:
        return self.num_questions / self.wall_s


Run = Callable[[Sequence[Problem]], Round]
"""One round."""


@dataclass(frozen=True)
class Label:
    """`key` is for machines, `name` for people. `is_slow` peers get fewer questions a
    round. `is_floor`: by the rule in `floor`, this one may be what the server is held against."""

    key: str
    name: str
    task: Task
    family: Family
    notes: str = ""
    is_slow: bool = False
    is_floor: bool = False

    @property
    def is_ours(self) -> bool:
        return self.family == "winnow"


class Running:
    """What was started, each thing once, when it was first needed; it ends with the stack."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._started: dict[str, Any] = {}  # what each key's `start` gives
        self._failed: dict[str, Exception] = {}

    def once(self, key: str, start: Callable[[], AbstractContextManager[T]]) -> T:
        """Return what `start` gives; it is called once for each `key`.

        Raises:
            Exception: whatever the first start raised; no second attempt is made.
        """
        if key in self._failed:
            raise self._failed[key]
        if key not in self._started:
            try:
                self._started[key] = self._stack.enter_context(start())
            except FAILURES as failure:
                self._failed[key] = failure
                raise
        return cast(T, self._started[key])


@dataclass(frozen=True)
class Setting:
    """What all peers are given. `servers` lasts for the whole comparison, `running` for a task."""

    serving: Serving
    environments: Environments
    servers: Running
    running: Running
    port: int
    concurrency: int
    k: int
    num_samples: int
    hf_threads: int

    def server(self, program: Program) -> Server:
        """`winnow serve` or `vllm serve`, which the tasks share."""
        port = self.port + (program == "vllm")
        return self.servers.once(program, lambda: running_server(program, self.serving, port))


class Peer(Protocol):
    @property
    def label(self) -> Label: ...

    def prepare(self, setting: Setting) -> Run:
        """Start what the rounds need.

        Raises:
            one of FAILURES: it cannot run here.
        """
        ...
