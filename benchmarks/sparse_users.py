"""What canaries cost users who come one at a time, and find the server idle or busy with them."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median, quantiles

from tqdm import tqdm

from benchmarks.overhead import scrape
from evaluation.eval_set import bundled_eval_set
from loadtest.client import Json, send_all
from measurement.server_process import Server, running_server
from measurement.serving import Serving

MEAN_GAP_S = 0.8
CANARIES = {"WINNOW_CANARIES": str(bundled_eval_set()), "WINNOW_CANARY_INTERVAL_S": "1"}
NUM_WARM_UP = 20
P95 = 94


@dataclass(frozen=True)
class Users:
    """Latencies of users' requests, and what became of canaries meanwhile."""

    latencies_ms: tuple[float, ...]
    num_answered: int
    num_deferred: int

    @property
    def p50_ms(self) -> float:
        return median(self.latencies_ms)

    @property
    def p95_ms(self) -> float:
        return quantiles(self.latencies_ms, n=100)[P95]

    @property
    def max_ms(self) -> float:
        return max(self.latencies_ms)


@dataclass(frozen=True)
class SparseUsers:
    """The same requests at the same times, with canaries (a lot of four each second, by two
    decoders) and without."""

    with_canaries: Users
    without: Users


def measure_sparse_users(
    serving: Serving, bodies: Sequence[Json], port: int, num_rounds: int
) -> SparseUsers:
    """The servers take turns, each alone on the machine; a round asks every body once."""
    found: dict[bool, list[Users]] = {True: [], False: []}
    for number in tqdm(range(2 * num_rounds), desc="sparse users", unit="server"):
        has_canaries = number % 4 in (0, 3)
        changes = CANARIES if has_canaries else {}
        environment = {**serving.environment, **changes}
        with running_server("winnow", replace(serving, environment=environment), port) as server:
            send_all(server.url, bodies[:NUM_WARM_UP], 1)
            found[has_canaries].append(_ask_now_and_then(server, bodies, number // 2))
    return SparseUsers(together(found[True]), together(found[False]))


def _ask_now_and_then(server: Server, bodies: Sequence[Json], seed: int) -> Users:
    gaps = random.Random(seed)
    latencies = []
    for body in bodies:
        time.sleep(gaps.expovariate(1 / MEAN_GAP_S))
        (latency_s,) = send_all(server.url, [body], 1).latencies_s
        latencies.append(1000 * latency_s)
    metrics = scrape(server)
    return Users(
        tuple(latencies), count_canaries(metrics, "answered"), count_canaries(metrics, "deferred")
    )


def count_canaries(metrics: str, outcome: str) -> int:
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith("winnow_canaries_total") and f'outcome="{outcome}"' in line
    )


def together(rounds: Sequence[Users]) -> Users:
    return Users(
        tuple(latency for one in rounds for latency in one.latencies_ms),
        sum(one.num_answered for one in rounds),
        sum(one.num_deferred for one in rounds),
    )
