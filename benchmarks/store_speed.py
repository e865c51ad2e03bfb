"""How fast collections are filled and searched, by the number of their records.

Over HTTP, one request at a time. Vectors come from an endpoint without a model, so that the times
are those of the store and not of an embedder.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from statistics import median

from tqdm import tqdm

from benchmarks.collections import Collections, Ranking
from pocket.world import draw_note

LINES_A_FILE = 10_000
NUM_QUERIES = 200
RANKINGS: tuple[Ranking, ...] = ("words", "vectors", "hybrid")


@dataclass(frozen=True)
class StoreSpeed:
    num_records: int
    records_per_s: float
    p50_ms: dict[str, float]


def measure_store_speed(collections: Collections, sizes: list[int]) -> list[StoreSpeed]:
    """One collection that grows from each size to the next."""
    collections.create("speed")
    rng, num_records, figures = Random("speed"), 0, []
    for size in tqdm(sizes, desc="store", unit="size"):
        began, num_before = time.perf_counter(), num_records
        for lines in _files(rng, num_records, size):
            num_records = collections.add_lines("speed", lines)
        rate = (num_records - num_before) / (time.perf_counter() - began)
        figures.append(StoreSpeed(num_records, rate, _searches(collections, rng)))
    collections.delete("speed")
    return figures


def _files(rng: Random, first: int, size: int) -> Iterator[list[str]]:
    """Notes with a number each, so that no two are the same."""
    for begin in range(first, size, LINES_A_FILE):
        numbers = range(begin, min(begin + LINES_A_FILE, size))
        yield [json.dumps({"text": f"{draw_note(rng)} (note {number})"}) for number in numbers]


def _searches(collections: Collections, rng: Random) -> dict[str, float]:
    queries = [draw_note(rng) for _ in range(NUM_QUERIES)]
    times: dict[str, float] = {}
    for ranking in RANKINGS:
        collections.timed_search("speed", queries[0], 5, ranking)  # reads the vectors in
        took = [collections.timed_search("speed", query, 5, ranking)[1] for query in queries]
        times[ranking] = median(took)
    return times
