"""What every client is asked, and how it tells what was replied."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Json = dict[str, Any]
Ways = Mapping[str, Callable[[], Json | Awaitable[Json]]]

MODEL, QUESTION = os.environ["MODEL"], os.environ["QUESTION"]
ALIAS = f"{MODEL}:cot_decoding"
FIELD = {"decoding": {"strategy": "cot_decoding"}}
BAD_FIELD = {"decoding": {"strategy": "nope"}}
MESSAGES = [{"role": "user", "content": QUESTION}]
MAX_TOKENS = 120
FREQUENCY_PENALTY = 2
"""Beside a tool: it keeps a small model from going on with the whitespace that JSON allows."""


def reply(
    text: str, finish_reason: str | None, output_tokens: int | None, report: Json | None = None
) -> Json:
    """A reply as the client's user sees it, with the answer of the report if there is one."""
    return {
        "text": text,
        "finish_reason": finish_reason,
        "output_tokens": output_tokens,
        "answer": report and report["answer"],
    }
