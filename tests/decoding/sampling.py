"""Running decoders over samples that are written down."""

import asyncio

from decoding.decoder import Decoder, Outcome
from decoding.engine import Prompt
from decoding.testing.table_engine import TableEngine

QUESTION = "How many?"


def answer(
    decoder: Decoder,
    engine: TableEngine,
    *,
    max_tokens: int = 50,
    events: list[object] | None = None,
    question: str | None = QUESTION,
) -> Outcome:
    prompt = Prompt(engine.prompt_token_ids(), max_tokens, question=question)
    told = [] if events is None else events
    return asyncio.run(decoder.answer_prompt(engine, prompt, emit=told.append))


def table_of(*samples: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, float]]:
    """A table in which every sample can be said, each of its words with equal probability."""
    table: dict[tuple[str, ...], dict[str, float]] = {}
    for sample in samples:
        for place, word in enumerate((*sample, "<end>")):
            table.setdefault(sample[:place], {})[word] = 1.0
    return {said: {word: 1 / len(words) for word in words} for said, words in table.items()}
