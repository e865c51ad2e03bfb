"""`python -m loadtest.soak`: many clients of all decoders at once, some of which leave half way."""

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from tqdm import tqdm

from evaluation.eval_set import bundled_eval_set, read_eval_set
from loadtest.request_bodies import greedy, question
from measurement.child_process import ChildFailed
from measurement.memory import memory_mb
from measurement.server_process import running_server
from measurement.serving import POCKET, serving_here

CHAT = "/v1/chat/completions"
DECODERS: Sequence[dict[str, Any] | None] = (  # None is a plain request
    None,
    {"strategy": "greedy"},
    {"strategy": "cot_decoding"},
    {"strategy": "majority_vote", "num_samples": 16},
    {"strategy": "majority_vote", "num_samples": 16, "launch": "as_needed"},
    {"strategy": "best_of_n", "num_samples": 4, "verifier": "equations"},
    {"strategy": "universal_vote", "num_samples": 4},
    {"strategy": "deepconf", "num_samples": 8},
)
LEAVING = 0.2
"""The share of requests whose client leaves."""
LONGEST_STAY_S = 0.5
IDLE_WITHIN_S = 20.0
MAX_GROWTH_MB = 150.0
SAMPLE_S = 1.0
EXIT_FAILED, EXIT_UNSOUND = 1, 3
_BUSY = re.compile(r"^vllm:num_requests_(?:running|waiting)\{.*?\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Soak:
    """`statuses` counts replies; those that clients did not wait for are `num_left`. Memory is the
    resident memory of the server's processes: a third of the time in, and at the end."""

    seconds: float
    statuses: dict[str, int]
    num_left: int
    num_broken: int
    memory_begin_mb: float
    memory_end_mb: float
    is_idle: bool

    @property
    def complaints(self) -> list[str]:
        bad = {status: num for status, num in self.statuses.items() if status >= "500"}
        growth_mb = self.memory_end_mb - self.memory_begin_mb
        return [
            complaint
            for complaint, holds in (
                (f"replies of the server's failures: {bad}", bool(bad)),
                (f"{self.num_broken} connections were broken", self.num_broken > 0),
                (f"memory grew by {growth_mb:.0f} MB", growth_mb > MAX_GROWTH_MB),
                (f"the engine is not idle {IDLE_WITHIN_S:g} s later", not self.is_idle),
                ("no reply", not self.statuses),
            )
            if holds
        ]

    def __str__(self) -> str:
        replies = ", ".join(f"{num} × {status}" for status, num in sorted(self.statuses.items()))
        return (
            f"{self.seconds:.0f} s: {replies}; {self.num_left} clients left half way; memory "
            f"{self.memory_begin_mb:.0f} MB after a third, {self.memory_end_mb:.0f} MB at the end; "
            f"engine {'idle' if self.is_idle else 'busy'} afterwards"
        )


def main() -> None:
    options = _parser().parse_args()
    how = serving_here(POCKET)
    try:
        with running_server("winnow", how, options.port) as server:
            assert server.pid is not None
            figures = asyncio.run(
                soak(
                    server.url,
                    server.pid,
                    how.model,
                    options.seconds,
                    options.concurrency,
                    options.seed,
                )
            )
    except (ChildFailed, OSError) as failure:
        print(f"soak: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    print(json.dumps(asdict(figures)) if options.json else figures)
    for complaint in figures.complaints:
        print(f"soak: {complaint}", file=sys.stderr)
    sys.exit(EXIT_UNSOUND if figures.complaints else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.soak",
        description="Ask a server of the bundled checkpoint by all decoders at once, whole and "
        "streamed; one client in five leaves half way. The exit code is 3 when a reply was the "
        "server's failure, its memory grew or its engine did not come to rest.",
    )
    add = parser.add_argument
    add("--seconds", type=float, default=180.0, help="how long (default %(default)s)")
    add("--concurrency", type=int, default=16, help="clients at a time (default %(default)s)")
    add("--port", type=int, default=8121, help="(default %(default)s)")
    add("--seed", type=int, default=0, help="of who asks what and who leaves")
    add("--json", action="store_true", help="print the figures as JSON")
    return parser


async def soak(
    url: str, pid: int, model: str, seconds: float, concurrency: int, seed: int = 0
) -> Soak:
    """`pid` is the server's own process, whose children are counted with it."""
    bodies, dice = _bodies(model, seed), random.Random(f"{seed} leaving")
    statuses: Counter[str] = Counter()
    num_left = num_broken = 0
    began = time.monotonic()

    async def ask(client: aiohttp.ClientSession) -> None:
        nonlocal num_left, num_broken
        while time.monotonic() - began < seconds:
            stays = dice.random() >= LEAVING
            stay_s = None if stays else dice.uniform(0, LONGEST_STAY_S)
            try:
                async with asyncio.timeout(stay_s):
                    async with client.post(url + CHAT, json=next(bodies)) as reply:
                        await reply.read()
            except TimeoutError:
                num_left += 1
            except aiohttp.ClientError:
                num_broken += 1
            else:
                statuses[str(reply.status)] += 1

    limits = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=limits) as client, asyncio.TaskGroup() as group:
        watch = group.create_task(_watch_memory(pid, seconds))
        for _ in range(concurrency):
            group.create_task(ask(client))
    memory = watch.result()
    is_idle = await _becomes_idle(url)
    begin, end = memory[len(memory) // 3], memory_mb(pid)
    return Soak(time.monotonic() - began, dict(statuses), num_left, num_broken, begin, end, is_idle)


def _bodies(model: str, seed: int) -> Iterator[dict[str, Any]]:  # JSON
    problems = [problem for problem in read_eval_set(bundled_eval_set()) if not problem.facts]
    dice = random.Random(seed)
    while True:
        body = greedy(model, question(dice.choice(problems)))
        decoder = dice.choice(DECODERS)
        if decoder is not None:
            body |= {"decoding": decoder}
            if "num_samples" in decoder:
                body |= {"temperature": 1}
        yield body | {"stream": dice.random() < 0.5}


async def _watch_memory(pid: int, seconds: float) -> list[float]:
    samples = [memory_mb(pid)]
    for _ in tqdm(range(max(1, round(seconds / SAMPLE_S))), unit="s", desc="soak"):
        await asyncio.sleep(SAMPLE_S)
        samples.append(memory_mb(pid))
    return samples


async def _becomes_idle(url: str) -> bool:
    deadline = time.monotonic() + IDLE_WITHIN_S
    async with aiohttp.ClientSession() as client:
        while time.monotonic() < deadline:
            async with client.get(f"{url}/metrics") as reply:
                numbers = _BUSY.findall(await reply.text())
            if numbers and not any(float(number) for number in numbers):
                return True
            await asyncio.sleep(SAMPLE_S)
    return False


if __name__ == "__main__":
    main()
