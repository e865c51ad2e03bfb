"""its_hub: its self-consistency, and the one that stops, by its library in front of `vllm serve`.

Its server passes neither a temperature nor a token limit on, so its library is asked, in a process
and an environment of its own. The library's limit of 32 requests at once is lifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.compare.environments import peer_environment
from benchmarks.compare.peer import Label, Peer, Round, Run, Setting
from benchmarks.compare.proxied import counted
from benchmarks.compare.served import TEMPERATURE
from benchmarks.worker_process import Json, Worker, running_program
from evaluation.eval_set import Problem
from loadtest.reply_answers import NUMBER, last_number
from loadtest.request_bodies import MAX_TOKENS
from measurement.server_process import Server

WORKER = Path(__file__).with_name("its_hub_worker.py")


@dataclass(frozen=True)
class ItsHub:
    """`algorithm` is the library's name of it."""

    label: Label
    algorithm: str

    def prepare(self, setting: Setting) -> Run:
        server = setting.server("vllm")
        worker = setting.running.once(
            "its_hub",
            lambda: running_program(
                [str(setting.environments.python("its_hub")), "-I", str(WORKER)],
                peer_environment(setting.serving.environment),
            ),
        )
        fields: Json = {
            "algorithm": self.algorithm,
            "url": f"{server.url}/v1",
            "model": server.model,
            "max_tokens": MAX_TOKENS,
            "temperature": TEMPERATURE,
            "num_samples": setting.num_samples,
            "concurrency": setting.concurrency,
            "number": NUMBER.pattern,
        }
        return partial(_run_round, worker, server, fields)


def its_hub_peers(num_samples: int) -> tuple[Peer, ...]:
    whole = f"its_hub, self-consistency budget={num_samples}"
    stopping = f"its_hub, beta self-consistency budget={num_samples}"
    return (
        ItsHub(Label("its-hub", whole, "vote", "its_hub", "by its library"), "SelfConsistency"),
        ItsHub(
            Label("its-hub-beta", stopping, "vote", "its_hub", "by its library, stops"),
            "BetaSelfConsistency",
        ),
    )


def _run_round(worker: Worker, server: Server, fields: Json, problems: Sequence[Problem]) -> Round:
    questions = [problem.question for problem in problems]
    reply, num_tokens = counted(server, lambda: worker.ask(fields | {"questions": questions}))
    right = tuple(
        last_number(text) == problem.gold
        for problem, text in zip(problems, reply["texts"], strict=True)
    )
    return Round(len(problems), reply["wall_s"], num_tokens, right)
