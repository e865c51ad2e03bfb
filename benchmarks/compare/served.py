"""Peers that answer a question by one request to `winnow serve` or `vllm serve`.

They are asked by the same lean client, at the same concurrency.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.compare.peer import Label, Peer, Round, Run, Setting
from evaluation.eval_set import Problem
from loadtest.client import Json, send_all
from loadtest.reply_answers import answer_of, answer_of_report, answer_of_vote
from loadtest.request_bodies import greedy, question
from measurement.server_process import Program, Server

TEMPERATURE = 1.0
"""Of the votes: samples are drawn from the model's own distribution."""
_SAMPLED: Json = {"temperature": TEMPERATURE}


@dataclass(frozen=True)
class Served:
    """`fields` are those of the request beside the messages and the token limit."""

    label: Label
    program: Program
    fields: Callable[[Setting], Json]
    answer: Callable[[Json], float | None]

    def prepare(self, setting: Setting) -> Run:
        return partial(self._run_round, setting, setting.server(self.program))

    def _run_round(self, setting: Setting, server: Server, problems: Sequence[Problem]) -> Round:
        """Ask one round, with a salt of its own: prompts cached in past rounds are not reused."""
        fields = {"cache_salt": secrets.token_hex(8), **self.fields(setting)}
        bodies = [greedy(server.model, question(problem)) | fields for problem in problems]
        load = send_all(server.url, bodies, setting.concurrency)
        right = tuple(
            self.answer(reply) == problem.gold
            for problem, reply in zip(problems, load.replies, strict=True)
        )
        return Round(len(problems), load.wall_s, load.num_completion_tokens, right)


def winnow_peers(k: int, num_samples: int) -> tuple[Peer, ...]:
    vote = f"winnow, majority_vote n={num_samples}"
    labels = (
        Label("winnow-greedy", "winnow, greedy", "greedy", "winnow"),
        Label("winnow-cot", f"winnow, cot_decoding k={k}", "cot", "winnow", "aggregate"),
        Label("winnow-vote", vote, "vote", "winnow", "stops when decided"),
        Label("winnow-vote-as-needed", f"{vote}, as needed", "vote", "winnow", "launch as_needed"),
        Label("winnow-vote-all", f"{vote}, stop none", "vote", "winnow", "counts all samples"),
    )
    return (
        Served(labels[0], "winnow", _nothing, answer_of),
        Served(labels[1], "winnow", _cot, answer_of_report),
        Served(labels[2], "winnow", _vote, answer_of_report),
        Served(labels[3], "winnow", _vote_as_needed, answer_of_report),
        Served(labels[4], "winnow", _vote_of_all, answer_of_report),
    )


def vllm_peers(num_samples: int) -> tuple[Peer, ...]:
    by_n = f"vllm serve, one call of n={num_samples}"
    return (
        Served(
            Label("vllm-greedy", "vllm serve, greedy", "greedy", "vllm"),
            "vllm",
            _nothing,
            answer_of,
        ),
        Served(
            Label("vllm-n", by_n, "vote", "vllm", "client votes"), "vllm", _samples, answer_of_vote
        ),
    )


def _nothing(_setting: Setting) -> Json:
    return {}


def _samples(setting: Setting) -> Json:
    return {"n": setting.num_samples} | _SAMPLED


def _cot(setting: Setting) -> Json:
    return _decoding("cot_decoding", k=setting.k, selection="aggregate")


def _vote(setting: Setting, **fields: object) -> Json:
    return _decoding("majority_vote", num_samples=setting.num_samples, **fields) | _SAMPLED


def _vote_as_needed(setting: Setting) -> Json:
    return _vote(setting, launch="as_needed")


def _vote_of_all(setting: Setting) -> Json:
    return _vote(setting, stop="none")


def _decoding(strategy: str, **fields: object) -> Json:
    return {"decoding": {"strategy": strategy, "answer": "number", **fields}}
