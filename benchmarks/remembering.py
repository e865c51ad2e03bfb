"""What memory is worth: problems asked twice, with feedback in between."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.collections import Collections
from benchmarks.retrieval import PLAIN, Answered, answer_all, body, is_right
from loadtest.client import send_all
from measurement.server_process import Server
from measurement.statistics import Share, wilson_share
from pocket.make_eval import EvalProblem

COLLECTION = "lessons"
RETRIEVAL = {"collection": COLLECTION}
FIRST = "cot_decoding, k=10"


@dataclass(frozen=True)
class Second:
    """The second pass by one decoder, with what was confirmed and without."""

    without: Answered
    remembering: Answered


@dataclass(frozen=True)
class Remembering:
    """The first pass is CoT-decoding's; the second is that of each decoder."""

    first: Share
    num_confirmed: int
    second: tuple[Second, ...]


def measure_remembering(
    server: Server, collections: Collections, problems: Sequence[EvalProblem], concurrency: int
) -> Remembering:
    """Ask all problems, give the right answer to each as feedback, and ask all again."""
    collections.create(COLLECTION, memory=True)
    decoding = {**PLAIN[FIRST], "retrieval": RETRIEVAL}
    load = send_all(server.url, [body(server, p, decoding) for p in problems], concurrency)
    pairs = list(zip(load.replies, problems, strict=True))
    remembered = [
        (reply, problem)
        for reply, problem in pairs
        if reply["decoding"]["retrieval"]["memory"] is not None
    ]
    for reply, problem in remembered:
        collections.give_feedback(reply["id"], str(problem.gold))
    second = tuple(_second(server, name, problems, concurrency) for name in (FIRST, "greedy"))
    collections.delete(COLLECTION)
    num_right = sum(is_right(reply["decoding"], problem) for reply, problem in pairs)
    return Remembering(
        wilson_share(num_right, len(problems)),
        sum(is_right(reply["decoding"], problem) for reply, problem in remembered),
        second,
    )


def _second(server: Server, name: str, problems: Sequence[EvalProblem], concurrency: int) -> Second:
    without = answer_all(server, name, problems, PLAIN[name], concurrency)
    asked = {**PLAIN[name], "retrieval": RETRIEVAL}
    return Second(without, answer_all(server, f"{name}, memory", problems, asked, concurrency))
