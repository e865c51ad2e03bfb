"""Requests without a decoder: what Winnow costs those who do not use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from loadtest.client import Json, send_all
from measurement.child_process import cpu_seconds
from measurement.server_process import Program, Server
from measurement.statistics import Ratio, paired_ratio

MIN_REQUESTS = 32


@dataclass(frozen=True)
class Round:
    """`cpu_ms` is the server's processor time for a request, None where it cannot be read."""

    requests_per_s: float
    cpu_ms: float | None


@dataclass(frozen=True)
class Plain:
    """`throughput` is Winnow's requests/s to vLLM's; `cpu` its processor time to vLLM's.

    `control` is the ratio of the requests/s of a second `vllm serve` to the first's, which would
    be 1 without noise; None where none ran.
    """

    concurrency: int
    num_requests: int
    rounds: Mapping[Program, Sequence[Round]]
    throughput: Ratio
    cpu: Ratio | None
    control: Ratio | None = None


def measure_plain(
    servers: Mapping[Program, Server],
    bodies: Sequence[Json],
    concurrency: int,
    num_rounds: int,
    round_s: float,
) -> Plain:
    """The same requests to all servers in turns, one server loaded at a time.

    A round has as many requests as the slowest server answers in about `round_s` seconds. Every
    other time the turns are taken the other way round.
    """
    count = max(MIN_REQUESTS, 4 * concurrency)
    speeds = [
        send_all(server.url, cycle(bodies, count), concurrency).requests_per_s
        for server in servers.values()
        for _ in ("cold", "warm")
    ]
    requests = cycle(bodies, max(count, round(min(speeds[1::2]) * round_s)))
    rounds: dict[Program, list[Round]] = {program: [] for program in servers}
    for number in tqdm(range(num_rounds), desc=f"plain, concurrency {concurrency}", unit="pair"):
        turns = list(servers.items())
        for program, server in turns if number % 2 == 0 else reversed(turns):
            rounds[program].append(run_round(server, requests, concurrency))
    return summarize(concurrency, len(requests), rounds)


def summarize(
    concurrency: int, num_requests: int, rounds: Mapping[Program, Sequence[Round]]
) -> Plain:
    throughput = {
        program: [one.requests_per_s for one in those] for program, those in rounds.items()
    }
    cpu = {
        program: [one.cpu_ms for one in those if one.cpu_ms is not None]
        for program, those in rounds.items()
    }
    return Plain(
        concurrency,
        num_requests,
        rounds,
        paired_ratio(throughput["winnow"], throughput["vllm"]),
        paired_ratio(cpu["winnow"], cpu["vllm"]) if cpu["winnow"] else None,
        paired_ratio(throughput["control"], throughput["vllm"]) if "control" in rounds else None,
    )


def run_round(server: Server, requests: Sequence[Json], concurrency: int) -> Round:
    assert server.pid is not None, "all servers are started here"
    before = cpu_seconds(server.pid)
    load = send_all(server.url, requests, concurrency)
    after = cpu_seconds(server.pid)
    if before is None or after is None:
        return Round(load.requests_per_s, None)
    return Round(load.requests_per_s, 1000 * (after - before) / len(requests))


def cycle(bodies: Sequence[Json], count: int) -> list[Json]:
    return [bodies[i % len(bodies)] for i in range(count)]
