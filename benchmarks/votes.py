"""What each way of aggregating samples gives for its tokens and its time."""

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from evaluation.eval_set import Problem
from loadtest.client import Json, Load, send_all
from loadtest.reply_answers import answer_of
from loadtest.request_bodies import MAX_TOKENS, question
from measurement.server_process import Server
from measurement.statistics import Share, wilson_share

SIZES = (5, 10, 20, 40)
NUM_SAMPLES = 20
TEMPERATURE = 1.3
"""Chosen on 100 problems drawn for it: of 0.7, 1, 1.3 and 1.6 the one whose votes cost least."""
SPLITS = ("held_out_numbers", "held_out_templates")
FULL_VOTE, STOPPED_VOTE = "vote", "vote, stopped"


@dataclass(frozen=True)
class VoteMethod:
    """`family` is the curve of the plot that it is a point of; `decoding` is None for greedy."""

    family: str
    name: str
    decoding: Json | None


@dataclass(frozen=True)
class VoteFigure:
    """`p50_ms` is the median latency of a question at the load's concurrency."""

    split: str
    family: str
    method: str
    share: Share
    mean_tokens: float
    p50_ms: float
    questions_per_s: float


def vote_methods() -> tuple[VoteMethod, ...]:
    stopped = {"stop": "beta", "launch": "as_needed"}
    weights = ("probability", "confidence")
    return (
        VoteMethod("greedy", "greedy", None),
        VoteMethod("CoT-decoding", "cot_decoding, k=10", _decoding("cot_decoding")),
        *(VoteMethod(FULL_VOTE, f"vote of {n}", vote(n, stop="none")) for n in SIZES),
        *(VoteMethod(STOPPED_VOTE, f"vote of {n}, stopped", vote(n, **stopped)) for n in SIZES),
        *(
            VoteMethod(
                f"weight {weight}",
                f"vote of {NUM_SAMPLES}, weight {weight}",
                vote(NUM_SAMPLES, stop="none", weight=weight),
            )
            for weight in weights
        ),
        VoteMethod(
            "DeepConf", f"deepconf offline, {NUM_SAMPLES}", _sampled("deepconf", mode="offline")
        ),
        VoteMethod("DeepConf", "deepconf online, 40", _sampled("deepconf", 40)),
        VoteMethod("best-of-n", f"best_of_n equations, {NUM_SAMPLES}", _sampled("best_of_n")),
        VoteMethod(
            "best-of-n",
            f"best_of_n equations vote, {NUM_SAMPLES}",
            _sampled("best_of_n", selection="vote"),
        ),
    )


def vote(num_samples: int, **fields: object) -> Json:
    return _sampled("majority_vote", num_samples, **fields)


def vote_body(model: str, problem: Problem, decoding: Json | None) -> Json:
    body = {"model": model, "messages": question(problem), "max_tokens": MAX_TOKENS}
    return body | ({"temperature": 0} if decoding is None else {"decoding": decoding})


def measure_votes(
    server: Server, problems: Sequence[Problem], concurrency: int, limit: int | None
) -> list[VoteFigure]:
    """Every split by every method. `limit` bounds the problems of each split."""
    figures = []
    runs = [(split, method) for split in SPLITS for method in vote_methods()]
    for split, method in tqdm(runs, desc="votes", unit="run"):
        asked = [problem for problem in problems if problem.split == split][:limit]
        if not asked:
            continue
        bodies = [vote_body(server.model, problem, method.decoding) for problem in asked]
        load = send_all(server.url, bodies, concurrency)
        figures.append(
            VoteFigure(
                split,
                method.family,
                method.name,
                share_right(asked, load),
                load.num_completion_tokens / len(asked),
                load.p50_ms,
                load.requests_per_s,
            )
        )
    return figures


def share_right(problems: Sequence[Problem], load: Load) -> Share:
    num_right = sum(
        answer_of(reply) == problem.gold
        for problem, reply in zip(problems, load.replies, strict=True)
    )
    return wilson_share(num_right, len(problems))


def _decoding(strategy: str, **fields: object) -> Json:
    return {"strategy": strategy, "answer": "number", **fields}


def _sampled(strategy: str, num_samples: int = NUM_SAMPLES, **fields: object) -> Json:
    return _decoding(strategy, num_samples=num_samples, temperature=TEMPERATURE, **fields)
