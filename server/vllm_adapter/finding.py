"""Retrieval as a stage of a request: search for its question, and put what is found before it."""

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
    retriever: Retriever, retrieval: Retrieval, question: str, client: EngineClient
) -> Finding:
    watch = Stopwatch()
    found = await retriever.search(question, retrieval)
    used, notes = _fitting(found.passages, client)
    watch.lap("retrieval")
    cited = cite(retrieval, found, used)
    return Finding(question, notes, cited, found.is_remembering, watch.phases_ms)


def _fitting(passages: Sequence[Passage], client: EngineClient) -> tuple[Sequence[Passage], str]:
    """As many passages as half of the model's context has room for, the last ones left out, and
    the reference material that they make."""
    tokenizer = client.renderer.get_tokenizer()
    special = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    most = client.model_config.max_model_len // 2
    for num_used in range(len(passages), 0, -1):
        notes = defuse(render_notes(passages[:num_used]), special)
        if len(tokenizer.encode(notes, add_special_tokens=False)) <= most:
            return passages[:num_used], notes
    return (), ""


def defuse(text: str, special_tokens: Iterable[str]) -> str:
    """The text with a space in each special token, so that a tokenizer that knows them reads plain
    characters: a passage must not end a message, nor begin one."""
    longest_first = sorted(filter(None, special_tokens), key=len, reverse=True)
    if not longest_first:
        return text
    tokens = re.compile("|".join(map(re.escape, longest_first)))
    return tokens.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
