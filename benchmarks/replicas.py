"""`python -m benchmarks.replicas`: what Ray Serve costs a request, what a second replica adds, and
what is lost when one of two is killed."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from statistics import median

import aiohttp
from tqdm import tqdm

from benchmarks.ray_process import Replicas, running_replicas
from evaluation.eval_set import bundled_eval_set, read_eval_set
from loadtest.client import Json, RequestFailed, send_all
from loadtest.request_bodies import cot_decoding, greedy, question
from measurement.child_process import ChildFailed
from measurement.machine import Machine, describe_machine
from measurement.server_process import running_server
from measurement.serving import POCKET, Serving, serving_here
from measurement.tables import format_table

CONCURRENCY = 8
NUM_REQUESTS = {("plain", 1): 80, ("plain", 8): 240, ("decoded", 1): 30, ("decoded", 8): 80}
"""In a round, by kind and concurrency."""
LOAD_S, KILL_AFTER_S = 20.0, 5.0
CHAT = "/v1/chat/completions"
EXIT_FAILED = 1


@dataclass(frozen=True)
class Figure:
    """The median latency and the requests/s of each round."""

    side: str
    kind: str
    concurrency: int
    p50_ms: tuple[float, ...]
    requests_per_s: tuple[float, ...]


@dataclass(frozen=True)
class Loss:
    """What `LOAD_S` seconds of plain requests lose when a replica is killed on the way: replies by
    status, those that broke off, and how long until two replicas answered again."""

    statuses: Mapping[str, int]
    num_broken: int
    recovered_after_s: float | None


@dataclass(frozen=True)
class Figures:
    machine: Machine
    figures: tuple[Figure, ...]
    loss: Loss

    def __str__(self) -> str:
        rows = [
            (
                f"{one.side}: {one.kind}",
                str(one.concurrency),
                f"{median(one.p50_ms):.1f} ({min(one.p50_ms):.1f}–{max(one.p50_ms):.1f})",
                f"{median(one.requests_per_s):.1f} "
                f"({min(one.requests_per_s):.1f}–{max(one.requests_per_s):.1f})",
            )
            for one in self.figures
        ]
        header = ("", "concurrency", "p50 ms (rounds)", "requests/s (rounds)")
        replies = ", ".join(f"{n} × {status}" for status, n in sorted(self.loss.statuses.items()))
        again = self.loss.recovered_after_s
        return (
            f"{format_table(header, rows)}\n\none of two replicas killed under {CONCURRENCY} "
            f"clients: {replies}, {self.loss.num_broken} broken off; two again "
            + (f"after {again:.0f} s" if again is not None else "never")
        )


def main() -> None:
    options = _parser().parse_args()
    how = serving_here(POCKET)
    try:
        figures = measure(how, options.port, options.rounds)
    except (ChildFailed, RequestFailed, OSError) as failure:
        print(f"replicas: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    print(json.dumps(asdict(figures)) if options.json else figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.replicas",
        description="Ask `winnow serve`, one replica under Ray Serve, both in turns, and then two "
        "replicas the same questions; then kill the engine of one of the two.",
    )
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="of each side (default %(default)s)")
    add("--port", type=int, default=8131, help="and the next two (default %(default)s)")
    add("--json", action="store_true", help="print the figures as JSON")
    return parser


def measure(how: Serving, port: int, num_rounds: int) -> Figures:
    """Measure what Ray Serve costs, what a second replica adds, and what a killed one loses.

    Raises:
        ChildFailed: a server, Ray or a replica did not start, or has no engine to kill.
        RequestFailed: a reply is no 200, or a server is gone.
    """
    machine = describe_machine()
    bodies = _bodies(how.model)
    with running_server("winnow", how, port) as alone, running_replicas(how, port + 1, 1) as one:
        urls = {"winnow serve": alone.url, "Ray Serve, 1 replica": one.url}
        figures = _in_turns(urls, bodies, num_rounds)
    with running_replicas(how, port + 2, 2) as two:
        figures += _in_turns({"Ray Serve, 2 replicas": two.url}, bodies, num_rounds)
        loss = asyncio.run(_lose_one(two, how.model))
    return Figures(machine, tuple(figures), loss)


def _bodies(model: str) -> Mapping[str, Iterator[Json]]:
    problems = [problem for problem in read_eval_set(bundled_eval_set()) if not problem.facts]
    asked = [question(problem) for problem in problems]
    return {
        "plain": cycle([greedy(model, messages) for messages in asked]),
        "decoded": cycle([cot_decoding(model, messages, 10, "aggregate") for messages in asked]),
    }


def _in_turns(
    urls: Mapping[str, str], bodies: Mapping[str, Iterator[Json]], num_rounds: int
) -> list[Figure]:
    figures = []
    for (kind, concurrency), count in NUM_REQUESTS.items():
        p50: dict[str, list[float]] = {side: [] for side in urls}
        speed: dict[str, list[float]] = {side: [] for side in urls}
        for number in tqdm(range(-1, num_rounds), desc=f"{kind}, {concurrency} at a time"):
            asked: Sequence[Json] = list(islice(bodies[kind], count))
            sides = list(urls) if number % 2 else list(urls)[::-1]
            for side in sides:
                load = send_all(urls[side], asked, concurrency)
                if number >= 0:  # the first is a warm-up
                    p50[side].append(load.p50_ms)
                    speed[side].append(load.requests_per_s)
        figures += [
            Figure(side, kind, concurrency, tuple(p50[side]), tuple(speed[side])) for side in urls
        ]
    return figures


async def _lose_one(replicas: Replicas, model: str) -> Loss:
    """Plain requests of fresh conversations, so that both replicas have some under way."""
    statuses: Counter[str] = Counter()
    num_broken = 0
    before = await asyncio.to_thread(replicas.names)
    began = time.monotonic()

    async def ask(client: aiohttp.ClientSession, number: int) -> None:
        nonlocal num_broken
        turn = 0
        while time.monotonic() - began < LOAD_S:
            turn += 1
            messages = [{"role": "user", "content": f"Client {number}, question {turn}."}]
            body = greedy(model, messages) | {"max_tokens": 100, "ignore_eos": True}
            try:
                async with client.post(replicas.url + CHAT, json=body) as reply:
                    await reply.read()
            except aiohttp.ClientError:
                num_broken += 1
            else:
                statuses[str(reply.status)] += 1

    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
        for number in range(CONCURRENCY):
            group.create_task(ask(client, number))
        await asyncio.sleep(KILL_AFTER_S)
        replicas.kill_engine()
        killed_at = time.monotonic()
    while time.monotonic() - killed_at < 10 * LOAD_S:
        now = await asyncio.to_thread(replicas.names)
        if len(now) == len(before) and now != before:
            return Loss(dict(statuses), num_broken, time.monotonic() - killed_at)
        await asyncio.sleep(1)
    return Loss(dict(statuses), num_broken, None)


if __name__ == "__main__":
    main()
