"""Questions for the bundled checkpoint, and requests around them."""

import json
from typing import Any

from server.checkpoint import bundled_checkpoint

QUESTION = (
    "A farm has 10 houses. In each house live 8 ducks. The farmer sells 16 ducks. "
    "How many ducks are left?"
)
PROMPT = f"<|user|>{QUESTION}<|end|><|assistant|>"
"""The question as the checkpoint's chat template writes it, for the API that takes plain text."""
MODEL = "pocket"
MESSAGES = [{"role": "user", "content": QUESTION}]
COT = {"strategy": "cot_decoding", "k": 3}
GREEDY = {"strategy": "greedy"}
VOTE = {"strategy": "majority_vote", "num_samples": 4, "seed": 1}

Json = dict[str, Any]


def chat(**fields: Any) -> Json:
    return {"model": MODEL, "messages": MESSAGES, "max_tokens": 120, **fields}


def completion(**fields: Any) -> Json:
    return {"model": MODEL, "prompt": PROMPT, "max_tokens": 40, **fields}


def response(**fields: Any) -> Json:
    return {"model": MODEL, "input": QUESTION, "max_output_tokens": 120, **fields}


def held_out(num_questions: int) -> list[Json]:
    """The first questions with numbers that the checkpoint was not trained on, with `gold`."""
    lines = (bundled_checkpoint().parent / "eval.jsonl").read_text().splitlines()
    questions = [json.loads(line) for line in lines]
    return [q for q in questions if q["split"] == "held_out_numbers"][:num_questions]
