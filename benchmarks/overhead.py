"""What measuring costs plain requests: a server with everything that measures switched on, against
one with all of it off that can be."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from urllib.request import ProxyHandler, build_opener

from tqdm import tqdm

from benchmarks.plain import Round, cycle, run_round
from evaluation.eval_set import bundled_eval_set
from loadtest.client import Json, send_all
from measurement.server_process import Server, running_server
from measurement.serving import Serving
from measurement.statistics import Ratio, paired_ratio

OFF = {"WINNOW_REPLY_RETENTION_DAYS": "0"}
SELDOM_S = "100000"
"""Canaries are asked once, at the start, and their layer stays: what they take of an idle server is
no overhead of a request."""
SCRAPE_TIMEOUT_S = 10.0

_open_directly = build_opener(ProxyHandler({})).open


@dataclass(frozen=True)
class Overhead:
    """`watched` and `bare` are rounds in turns; `throughput` is watched requests/s to bare ones,
    `cpu` likewise the server's processor time for a request, None where it cannot be read."""

    concurrency: int
    num_requests: int
    watched: tuple[Round, ...]
    bare: tuple[Round, ...]
    throughput: Ratio
    cpu: Ratio | None


def measure_overhead(
    serving: Serving,
    bodies: Sequence[Json],
    concurrencies: Sequence[int],
    port: int,
    num_rounds: int,
    round_s: float,
) -> list[Overhead]:
    """Each watched round is scraped once, which is more often than a Prometheus does."""
    on = {"WINNOW_CANARIES": str(bundled_eval_set()), "WINNOW_CANARY_INTERVAL_S": SELDOM_S}
    with ExitStack() as stack:
        watched, bare = (
            stack.enter_context(
                running_server(
                    "winnow",
                    replace(serving, environment={**serving.environment, **changes}),
                    port + n,
                )
            )
            for n, changes in enumerate((on, OFF))
        )
        return [
            _measure(watched, bare, bodies, concurrency, num_rounds, round_s)
            for concurrency in concurrencies
        ]


def _measure(
    watched: Server,
    bare: Server,
    bodies: Sequence[Json],
    concurrency: int,
    num_rounds: int,
    round_s: float,
) -> Overhead:
    trial = cycle(bodies, 32 * concurrency)
    speeds = [send_all(s.url, trial, concurrency).requests_per_s for s in (watched, bare) * 2]
    requests = cycle(bodies, round(min(speeds[2:]) * round_s))
    rounds: dict[str, list[Round]] = {watched.url: [], bare.url: []}
    for number in tqdm(range(num_rounds), desc=f"overhead, concurrency {concurrency}", unit="pair"):
        for server in (watched, bare) if number % 2 == 0 else (bare, watched):
            if server is watched:
                scrape(server)
            rounds[server.url].append(run_round(server, requests, concurrency))
    with_all, without = rounds[watched.url], rounds[bare.url]
    cpu = [[one.cpu_ms for one in those if one.cpu_ms] for those in (with_all, without)]
    return Overhead(
        concurrency,
        len(requests),
        tuple(with_all),
        tuple(without),
        paired_ratio(
            [one.requests_per_s for one in with_all], [one.requests_per_s for one in without]
        ),
        paired_ratio(*cpu) if all(cpu) else None,
    )


def scrape(server: Server) -> str:
    with _open_directly(f"{server.url}/metrics", timeout=SCRAPE_TIMEOUT_S) as reply:
        text: str = reply.read().decode()
    return text
