"""What memory is worth: problems asked twice, with feedback in between."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.client import send_all
from loadtest.collections import Collections
from loadtest.retrieval import answer_all, body, is_right
from loadtest.server_process import Server
from loadtest.statistics import Share, wilson_share
from pocket.make_eval import EvalProblem

COLLECTION = "lessons"
DECODING = {"strategy": "cot_decoding", "answer": "number"}


@dataclass(frozen=True)
class Remembering:
    """Right answers of the first pass, and of the second with what was confirmed or without."""

    first: Share
    without: Share
    confirmed: Share
    num_confirmed: int


def measure_remembering(
    server: Server, collections: Collections, problems: Sequence[EvalProblem], concurrency: int
) -> Remembering:
    """Ask all problems, give the right answer to each as feedback, and ask all again."""
    collections.create(COLLECTION, memory=True)
    decoding = {**DECODING, "retrieval": {"collection": COLLECTION}}
    load = send_all(server.url, [body(server, p, decoding) for p in problems], concurrency)
    num_confirmed = 0
    for reply, problem in zip(load.replies, problems, strict=True):
        if reply["decoding"]["retrieval"]["memory"] is not None:
            collections.give_feedback(reply["id"], str(problem.gold))
            num_confirmed += is_right(reply["decoding"], problem)
    confirmed = answer_all(server, "second, memory", problems, decoding, concurrency)
    without = answer_all(server, "second, no memory", problems, DECODING, concurrency)
    collections.delete(COLLECTION)
    num_right = sum(
        is_right(reply["decoding"], problem)
        for reply, problem in zip(load.replies, problems, strict=True)
    )
    return Remembering(
        wilson_share(num_right, len(problems)), without.share, confirmed.share, num_confirmed
    )
