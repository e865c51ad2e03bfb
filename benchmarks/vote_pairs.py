"""What stopping saves: a vote of 40 that stops when it is decided, and one that counts all, in
turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tqdm import tqdm

from benchmarks.token_work import TokenWork, take_slice
from benchmarks.votes import vote, vote_body
from evaluation.eval_set import Problem
from loadtest.client import Json, send_all
from loadtest.reply_answers import answer_of
from measurement.server_process import Server
from measurement.statistics import Ratio, paired_ratio

NUM_STOPPED = 40


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


def _measure(
    ours: tuple[str, Vote],
    peer: tuple[str, Vote],
    problems: Sequence[Problem],
    num_rounds: int,
    size: int,
) -> VotePair:
    """Run both sides in turns, in the reverse order every other time, after a warm-up."""
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
