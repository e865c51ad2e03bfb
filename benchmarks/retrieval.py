"""What retrieval is worth: problems that leave out a fact, and a collection that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tqdm import tqdm

from benchmarks.collections import Collections, Ranking
from loadtest.client import Json, send_all
from loadtest.reply_answers import last_number
from measurement.server_process import Server
from measurement.statistics import Share, wilson_share
from pocket.make_eval import EvalProblem
from pocket.world import World, collection_lines

COLLECTION = "world"
NUM_FOUND = 5
MAX_TOKENS = 128
PLAIN: Mapping[str, Json] = {
    "greedy": {"strategy": "greedy", "answer": "number"},
    "cot_decoding, k=10": {"strategy": "cot_decoding", "answer": "number"},
    "majority_vote of 20": {
        **{"strategy": "majority_vote", "num_samples": 20, "answer": "number"},
        **{"temperature": 1.0},
    },
}


@dataclass(frozen=True)
class Recall:
    """The share of problems whose fact is among the first five passages."""

    ranking: Ranking
    share: Share
    p50_ms: float


@dataclass(frozen=True)
class Answered:
    """`p50_retrieval_ms` is the stage's own time in a request, 0 without retrieval."""

    method: str
    share: Share
    mean_prompt_tokens: float
    mean_tokens: float
    p50_ms: float
    p50_retrieval_ms: float


def fill(collections: Collections, world: World, name: str = COLLECTION) -> int:
    collections.create(name)
    return collections.add_lines(name, list(collection_lines(world)))


def measure_recall(
    collections: Collections, world: World, rankings: Sequence[Ranking]
) -> list[Recall]:
    return [_recall(collections, world, ranking) for ranking in rankings]


def _recall(collections: Collections, world: World, ranking: Ranking) -> Recall:
    num_found, times_ms = 0, []
    for problem in tqdm(world.problems, desc=f"recall, {ranking}", unit="query", leave=False):
        hits, took_ms = collections.timed_search(COLLECTION, problem.question, NUM_FOUND, ranking)
        times_ms.append(took_ms)
        num_found += any(hit.text in problem.facts for hit in hits)
    return Recall(ranking, wilson_share(num_found, len(world.problems)), median(times_ms))


def measure_answers(
    server: Server, world: World, concurrency: int, retrieval: Json | None
) -> list[Answered]:
    """Every decoder over the problems, with retrieval or without."""
    figures = []
    for name, decoding in tqdm(PLAIN.items(), desc="answers", unit="run", leave=False):
        asked = decoding if retrieval is None else {**decoding, "retrieval": retrieval}
        label = name if retrieval is None else f"{name}, retrieval"
        figures.append(answer_all(server, label, world.problems, asked, concurrency))
    return figures


def answer_all(
    server: Server,
    label: str,
    problems: Sequence[EvalProblem],
    decoding: Json,
    concurrency: int,
) -> Answered:
    load = send_all(server.url, [body(server, p, decoding) for p in problems], concurrency)
    reports = [reply["decoding"] for reply in load.replies]
    num_right = sum(
        is_right(report, problem) for report, problem in zip(reports, problems, strict=True)
    )
    prompts = [reply["usage"]["prompt_tokens"] for reply in load.replies]
    return Answered(
        label,
        wilson_share(num_right, len(problems)),
        sum(prompts) / len(prompts),
        load.num_completion_tokens / len(problems),
        load.p50_ms,
        median(report["phases_ms"].get("retrieval", 0.0) for report in reports),
    )


def body(server: Server, problem: EvalProblem, decoding: Json) -> Json:
    messages = [{"role": "user", "content": problem.question}]
    asked = {"model": server.model, "messages": messages, "max_tokens": MAX_TOKENS}
    return {**asked, "decoding": decoding}


def is_right(report: Json, problem: EvalProblem) -> bool:
    return last_number(report["answer"] or "") == problem.gold
