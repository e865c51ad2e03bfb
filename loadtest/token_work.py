"""One round of CoT-decoding's token work, by a server or by a peer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.client import send_all
from loadtest.eval_set import Problem
from loadtest.request_bodies import MAX_TOKENS, cot_decoding, question
from loadtest.server_process import Server
from loadtest.worker_process import Json, Worker


@dataclass(frozen=True)
class TokenWork:
    """A round's wall time, and its generated tokens, those of discarded branches included."""

    num_questions: int
    wall_s: float
    num_tokens: int

    @property
    def questions_per_s(self) -> float:
        return self.num_questions / self.wall_s

    @property
    def tokens_per_s(self) -> float:
        return self.num_tokens / self.wall_s


def serve_round(server: Server, problems: Sequence[Problem], k: int, concurrency: int) -> TokenWork:
    """The round by a server. Its own salt keeps it from prompts cached in rounds before."""
    salt = {"cache_salt": secrets.token_hex(8)}
    bodies = [
        cot_decoding(server.model, question(problem), k, "aggregate") | salt for problem in problems
    ]
    load = send_all(server.url, bodies, concurrency)
    return TokenWork(len(problems), load.wall_s, load.num_completion_tokens)


def ask_worker(
    worker: Worker, problems: Sequence[Problem], k: int, options: Json | None = None
) -> TokenWork:
    """The round by a peer. `options` are the peer's own."""
    request = {
        "conversations": [question(problem) for problem in problems],
        "k": k,
        "max_tokens": MAX_TOKENS,
    }
    reply = worker.ask(request | (options or {}))
    return TokenWork(len(problems), reply["wall_s"], reply["num_tokens"])


def take_slice(problems: Sequence[Problem], number: int, size: int) -> list[Problem]:
    """The slice of that number; the problems begin anew where they end."""
    return [problems[i % len(problems)] for i in range(number * size, (number + 1) * size)]
