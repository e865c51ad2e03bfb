"""The floor: the same token work by `LLM.generate`, with no server and nothing selected.

It is measured with two admissions, at most as many sequences at once as the server's load has, or
without such a limit; and by two calls, plain, or lean (no text, flat log-probabilities), as the
server calls its engine. A vote's samples are drawn by `n` or each by a request of its own, too.

The floor is the fastest of those with the server's admission and the plain call: the same engine
doing the same work for as many at once. All others are shown beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.compare.peer import Label, Peer, Round, Run, Setting, Task
from benchmarks.compare.served import TEMPERATURE
from benchmarks.worker_process import Json, Worker, running_worker
from evaluation.eval_set import Problem
from loadtest.request_bodies import MAX_TOKENS, question


@dataclass(frozen=True)
class Floor:
    """`is_by_n` is None for CoT-decoding, which has no `n`."""

    task: Task
    is_limited: bool
    is_lean: bool
    is_by_n: bool | None = None

    @property
    def label(self) -> Label:
        words = [
            {None: "paths", True: "by n", False: "by requests"}[self.is_by_n],
            "server's admission" if self.is_limited else "all at once",
            "lean" if self.is_lean else "plain",
        ]
        return Label(
            key="-".join(["floor", self.task, *words]).replace(" ", "-").replace("'s", ""),
            name=f"LLM.generate, {', '.join(words)}",
            task=self.task,
            family="floor",
            notes="selects nothing",
            is_floor=self.is_limited and not self.is_lean,
        )

    def prepare(self, setting: Setting) -> Run:
        width = setting.k if self.task == "cot" else setting.num_samples
        limit = ["--max-num-seqs", str(width * setting.concurrency)] if self.is_limited else []
        worker = setting.running.once(
            f"LLM {limit}",
            lambda: running_worker(
                "benchmarks.compare.offline_worker",
                [setting.serving.checkpoint, *setting.serving.arguments, *limit],
                setting.serving.environment,
            ),
        )
        fields: Json = {"k": setting.k}
        if self.is_by_n is not None:
            fields = {
                "num_samples": setting.num_samples,
                "temperature": TEMPERATURE,
                "is_by_n": self.is_by_n,
            }
        return lambda problems: ask(worker, problems, fields | {"is_lean": self.is_lean})


def floor_peers() -> tuple[Peer, ...]:
    ways = [(is_limited, is_lean) for is_limited in (True, False) for is_lean in (False, True)]
    return (
        *(Floor("cot", *way) for way in ways),
        *(Floor("vote", *way, is_by_n) for way in ways for is_by_n in (True, False)),
    )


def ask(worker: Worker, problems: Sequence[Problem], fields: Json) -> Round:
    """The round by a worker that selects nothing."""
    conversations = [question(problem) for problem in problems]
    reply = worker.ask({"conversations": conversations, "max_tokens": MAX_TOKENS, **fields})
    return Round(len(problems), reply["wall_s"], reply["num_tokens"], None)


def choose_floor(rounds: Sequence[tuple[Label, Sequence[Round]]]) -> Label | None:
    """The fastest of those that may be the floor, by their median; None where none ran."""
    eligible = [(label, those) for label, those in rounds if label.is_floor and those]
    if not eligible:
        return None
    return min(eligible, key=lambda one: median(round_.wall_s for round_ in one[1]))[0]
