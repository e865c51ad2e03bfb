"""The same vote made in two ways, in turns: what stopping saves, and what the server saves.

- stopping: a vote of 40 that stops when it is decided, against one that counts all.
- client: `majority_vote` of 20, against 20 calls by OpenAI's client to `vllm serve` for each
  question, voted on by the client.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai
from tqdm import tqdm

from loadtest.accuracy import FINISHED
from loadtest.client import Json, send_all
from loadtest.eval_set import Problem
from loadtest.request_bodies import MAX_TOKENS, question
from loadtest.scoring import last_number, majority
from loadtest.server_process import Server
from loadtest.statistics import Ratio, paired_ratio
from loadtest.token_work import TokenWork, take_slice
from loadtest.votes import TEMPERATURE, answer_of, vote, vote_body

NUM_STOPPED = 40
NUM_BY_CLIENT = 20
TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Side:
    """The rounds of one way of voting; `num_right` of all their questions."""

    name: str
    rounds: tuple[TokenWork, ...]
    num_right: int


@dataclass(frozen=True)
class VotePair:
    """`tokens` and `wall` are the peer's to ours: how many times fewer, how many times faster."""

    ours: Side
    peer: Side
    tokens: Ratio
    wall: Ratio


Vote = Callable[[Sequence[Problem]], tuple[TokenWork, int]]
"""One round: its work, and how many of its questions were right."""


def measure_stopping(
    server: Server, problems: Sequence[Problem], concurrency: int, rounds: int, size: int
) -> VotePair:
    stopped = vote(NUM_STOPPED, stop="beta", launch="as_needed")
    ours = partial(_by_server, server, stopped, concurrency)
    peer = partial(_by_server, server, vote(NUM_STOPPED, stop="none"), concurrency)
    names = (f"vote of {NUM_STOPPED}, stopped", f"vote of {NUM_STOPPED}, all counted")
    return _measure((names[0], ours), (names[1], peer), problems, rounds, size)


def measure_client(
    server: Server,
    peer: Server,
    problems: Sequence[Problem],
    concurrency: int,
    rounds: int,
    size: int,
) -> VotePair:
    ours = partial(_by_server, server, vote(NUM_BY_CLIENT), concurrency)
    calls = partial(_by_client, peer, concurrency)
    names = (f"majority_vote of {NUM_BY_CLIENT}", f"{NUM_BY_CLIENT} openai calls to vllm serve")
    return _measure((names[0], ours), (names[1], calls), problems, rounds, size)


def _measure(
    ours: tuple[str, Vote],
    peer: tuple[str, Vote],
    problems: Sequence[Problem],
    num_rounds: int,
    size: int,
) -> VotePair:
    """In turns, which are taken the other way round every other time, after a warm-up."""
    done: dict[str, list[tuple[TokenWork, int]]] = {ours[0]: [], peer[0]: []}
    for _, run in (ours, peer):
        run(take_slice(problems, 0, 16))
    for number in tqdm(range(num_rounds), desc=ours[0], unit="pair"):
        asked = take_slice(problems, number, size)
        for name, run in (ours, peer) if number % 2 == 0 else (peer, ours):
            done[name].append(run(asked))
    sides = [
        Side(name, tuple(work for work, _ in rounds), sum(right for _, right in rounds))
        for name, rounds in done.items()
    ]
    return compare(*sides)


def compare(ours: Side, peer: Side) -> VotePair:
    return VotePair(
        ours,
        peer,
        paired_ratio(
            [float(one.num_tokens) for one in peer.rounds],
            [float(one.num_tokens) for one in ours.rounds],
        ),
        paired_ratio([one.wall_s for one in peer.rounds], [one.wall_s for one in ours.rounds]),
    )


def _by_server(
    server: Server, decoding: Json, concurrency: int, problems: Sequence[Problem]
) -> tuple[TokenWork, int]:
    bodies = [vote_body(server.model, problem, decoding) for problem in problems]
    load = send_all(server.url, bodies, concurrency)
    right = sum(
        answer_of(reply) == problem.gold
        for problem, reply in zip(problems, load.replies, strict=True)
    )
    return TokenWork(len(problems), load.wall_s, load.num_completion_tokens), right


def _by_client(
    server: Server, concurrency: int, problems: Sequence[Problem]
) -> tuple[TokenWork, int]:
    return asyncio.run(_vote_by_calls(server, problems, concurrency))


async def _vote_by_calls(
    server: Server, problems: Sequence[Problem], concurrency: int
) -> tuple[TokenWork, int]:
    """Self-consistency as an application writes it: `NUM_BY_CLIENT` calls at once a question."""
    gate = asyncio.Semaphore(concurrency)
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", timeout=TIMEOUT_S, max_retries=0
    ) as client:

        async def ask(problem: Problem) -> list[Any]:  # OpenAI's completions
            call = client.chat.completions.create
            messages: Any = question(problem)  # plain dicts
            async with gate:
                return await asyncio.gather(
                    *(
                        call(
                            model=server.model,
                            messages=messages,
                            temperature=TEMPERATURE,
                            max_tokens=MAX_TOKENS,
                        )
                        for _ in range(NUM_BY_CLIENT)
                    )
                )

        began = time.perf_counter()
        answered = await asyncio.gather(*map(ask, problems))
        wall_s = time.perf_counter() - began
    num_tokens = sum(reply.usage.completion_tokens for replies in answered for reply in replies)
    right = sum(
        _voted(replies) == problem.gold for problem, replies in zip(problems, answered, strict=True)
    )
    return TokenWork(len(problems), wall_s, num_tokens), right


def _voted(replies: Sequence[Any]) -> float | None:
    choices = [reply.choices[0] for reply in replies]
    finished = [choice for choice in choices if choice.finish_reason == FINISHED]
    return majority([last_number(choice.message.content or "") for choice in finished])
