"""What peers in front of `vllm serve` have in common: it counts their tokens."""

from collections.abc import Callable
from typing import TypeVar

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.overhead import scrape
from measurement.server_process import Server

T = TypeVar("T")

GENERATED = "vllm:generation_tokens_total"


def count_tokens(text: str) -> int:
    """All tokens that a server has generated, by its own metrics."""
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == GENERATED
    )


def counted(server: Server, work: Callable[[], T]) -> tuple[T, int]:
    """What `work` gives, and the tokens that the server generated meanwhile."""
    before = count_tokens(scrape(server))
    given = work()
    return given, count_tokens(scrape(server)) - before
