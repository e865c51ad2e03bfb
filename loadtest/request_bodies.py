"""The requests of the benchmark."""

from collections.abc import Sequence
from typing import Any

from evaluation.eval_set import Problem
from pocket.chat import render_notes

Json = dict[str, Any]  # a request's body
Message = dict[str, str]

MAX_TOKENS = 128
NUM_SAMPLES = 20


def question(problem: Problem) -> list[Message]:
    return [{"role": "user", "content": problem.question}]


def question_with_notes(problem: Problem) -> list[Message]:
    """The needed facts stand between the distractors, at a place that varies with the problem."""
    notes = list(problem.distractors)
    place = len(problem.question) % (len(notes) + 1)
    notes[place:place] = problem.facts
    return [{"role": "system", "content": render_notes(notes)}, *question(problem)]


def greedy(model: str, messages: Sequence[Message]) -> Json:
    """Plain vLLM: no `decoding`."""
    return {"model": model, "messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS}


def cot_decoding(model: str, messages: Sequence[Message], k: int, selection: str) -> Json:
    decoding = {"strategy": "cot_decoding", "k": k, "selection": selection, "answer": "number"}
    return greedy(model, messages) | {"decoding": decoding}


def samples(model: str, messages: Sequence[Message]) -> Json:
    """Plain vLLM's `n`: samples from the whole distribution, to be voted on by the client.

    Without a `seed`, which costs vLLM a loop over the batch at every step.
    """
    return greedy(model, messages) | {"temperature": 1, "n": NUM_SAMPLES}


def majority_vote(model: str, messages: Sequence[Message]) -> Json:
    """The same vote by the server, which stops when it is decided."""
    decoding = {"strategy": "majority_vote", "num_samples": NUM_SAMPLES, "answer": "number"}
    return greedy(model, messages) | {"temperature": 1, "decoding": decoding}
