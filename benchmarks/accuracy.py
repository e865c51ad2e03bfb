"""How many of the evaluation set's problems a server solves, by which decoding, how fast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from evaluation.eval_set import Problem
from loadtest.client import Json, Load, send_all
from loadtest.reply_answers import answer_of_report, answer_of_text, answer_of_vote
from loadtest.request_bodies import (
    NUM_SAMPLES,
    Message,
    cot_decoding,
    greedy,
    majority_vote,
    question,
    question_with_notes,
    samples,
)
from measurement.server_process import Server
from measurement.statistics import Share, wilson_share

Ask = Callable[[Problem], list[Message]]


@dataclass(frozen=True)
class Setting:
    name: str
    split: str
    ask: Ask


@dataclass(frozen=True)
class Method:
    name: str
    body: Callable[[str, Sequence[Message]], Json]
    answer: Callable[[Json], float | None]


@dataclass(frozen=True)
class Solved:
    """One problem's outcome."""

    id: str
    answer: float | None
    gold: float
    num_tokens: int


@dataclass(frozen=True)
class Accuracy:
    setting: str
    method: str
    share: Share
    mean_tokens: float
    questions_per_s: float
    solved: tuple[Solved, ...]


SETTINGS = (
    Setting("held_out_numbers", "held_out_numbers", question),
    Setting("held_out_templates", "held_out_templates", question),
    Setting("fact_dependent, no fact", "fact_dependent", question),
    Setting("fact_dependent, fact in notes", "fact_dependent", question_with_notes),
)


def measure_accuracy(
    server: Server, problems: Sequence[Problem], k: int, concurrency: int, limit: int | None
) -> list[Accuracy]:
    """Every setting by every method. `limit` bounds the problems of each split."""
    figures = []
    pairs = [(setting, method) for setting in SETTINGS for method in methods(k)]
    for setting, method in tqdm(pairs, desc="accuracy", unit="run"):
        asked = [problem for problem in problems if problem.split == setting.split][:limit]
        if not asked:
            continue
        bodies = [method.body(server.model, setting.ask(problem)) for problem in asked]
        load = send_all(server.url, bodies, concurrency)
        figures.append(score_load(setting.name, method, asked, load))
    return figures


def score_load(setting: str, method: Method, problems: Sequence[Problem], load: Load) -> Accuracy:
    solved = tuple(
        Solved(
            problem.id,
            method.answer(reply),
            problem.gold,
            reply["usage"]["completion_tokens"],
        )
        for problem, reply in zip(problems, load.replies, strict=True)
    )
    num_right = sum(one.answer == one.gold for one in solved)
    return Accuracy(
        setting,
        method.name,
        wilson_share(num_right, len(solved)),
        load.num_completion_tokens / len(solved),
        load.requests_per_s,
        solved,
    )


def methods(k: int) -> tuple[Method, ...]:
    by_selection: Mapping[str, str] = {"max": f"CoT max, k={k}", "aggregate": f"CoT agg., k={k}"}
    return (
        Method("greedy", greedy, answer_of_text),
        *(_cot_method(name, k, selection) for selection, name in by_selection.items()),
        Method(f"vote of {NUM_SAMPLES} by the client", samples, answer_of_vote),
        Method(f"majority_vote, {NUM_SAMPLES}", majority_vote, answer_of_report),
    )


def _cot_method(name: str, k: int, selection: str) -> Method:
    return Method(
        name,
        lambda model, messages: cot_decoding(model, messages, k, selection),
        answer_of_report,
    )
