"""Retrieval as a stage of a request: search for its question, and put what is found before it."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vllm.engine.protocol import EngineClient

from decoding.report import Report
from decoding.retrieval import (
    Memory,
    Passage,
    Retrieval,
    Retrieved,
    Retriever,
    cite,
    render_notes,
)
from decoding.stopwatch import Stopwatch

FRAME_TOKENS = 64
"""What a chat template may write around the messages."""


@dataclass(frozen=True)
class Finding:
    """What was found for a question: as reference material, and as the report cites it."""

    question: str
    notes: str
    retrieved: Retrieved
    is_remembering: bool
    phases_ms: dict[str, float]

    def added_to(self, report: Report, memory: Memory | None) -> Report:
        changes = {
            "retrieval": self.retrieved.model_copy(update={"memory": memory}),
            "phases_ms": self.phases_ms | report.phases_ms,
        }
        return report.model_copy(update=changes)


async def find(
    retriever: Retriever,
    retrieval: Retrieval,
    question: str,
    client: EngineClient,
    *,
    said: str,
    max_tokens: int,
    stands_alone: bool,
) -> Finding:
    """
    Args:
        said: all text of the request, which needs its room in the model's context,
        max_tokens: and so does the reply.
        stands_alone: whether the question may be remembered as one.
    """
    watch = Stopwatch()
    found = await retriever.search(question, retrieval)
    used, notes = await asyncio.to_thread(_fitting, found.passages, client, said, max_tokens)
    watch.lap("retrieval")
    cited = cite(retrieval, found, used)
    return Finding(question, notes, cited, found.is_remembering and stands_alone, watch.phases_ms)


def _fitting(
    passages: Sequence[Passage], client: EngineClient, said: str, max_tokens: int
) -> tuple[Sequence[Passage], str]:
    """The passages that have room, and the reference material that they make: in half of the
    model's context at most, and beside the request and its reply. One that is too long is passed
    over."""
    tokenizer = client.renderer.get_tokenizer()
    special = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    length = client.model_config.max_model_len
    room = length - len(tokenizer.encode(said)) - max_tokens - FRAME_TOKENS
    room = min(room, length // 2)
    used: list[Passage] = []
    for passage in passages:
        note = defuse(render_notes([passage]), special)
        num_tokens = len(tokenizer.encode(note, add_special_tokens=False))
        if num_tokens <= room:
            used.append(passage)
            room -= num_tokens
    return used, defuse(render_notes(used), special)


def defuse(text: str, special_tokens: Iterable[str]) -> str:
    """The text with a space in each special token, so that a tokenizer that knows them reads plain
    characters: a passage must not end a message, nor begin one."""
    longest_first = sorted(filter(None, special_tokens), key=len, reverse=True)
    if not longest_first:
        return text
    tokens = re.compile("|".join(map(re.escape, longest_first)))
    return tokens.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
