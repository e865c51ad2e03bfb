"""Texts as batches of tokens, padded at the right.

A causal model's tokens do not see what is right of them, so no attention mask is needed: what is
computed at the padding is thrown away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from compression.pruning.errors import UnusableSamples


@dataclass(frozen=True)
class Batch:
    """`token_ids` and `is_token` (false where padded), of shape `(num_rows, length)`."""

    token_ids: Tensor
    is_token: Tensor


def tokenize(texts: Sequence[str], tokenizer: Any, max_length: int) -> list[list[int]]:
    """The first `max_length` tokens of each rendered text; texts of a single token are left out.

    `tokenizer` is Any: transformers gives its tokenizers no usable types. A text that a chat
    template began with the start token is given no second one.

    Raises:
        UnusableSamples: no text is left.
    """
    start = tokenizer.bos_token or ""
    rows = [
        tokenizer.encode(text, add_special_tokens=not (start and text.startswith(start)))
        for text in texts
    ]
    kept = [row[:max_length] for row in rows if len(row) > 1]
    if not kept:
        raise UnusableSamples(f"samples: none of {len(texts)} has two tokens or more")
    return kept


def draw_rows(rows: Sequence[list[int]], most: int, seed: int) -> list[list[int]]:
    """Draw up to `most` of the rows, in an order that the seed decides."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return [rows[i] for i in order[:most].tolist()]


def by_length(rows: Sequence[list[int]], size: int) -> list[Batch]:
    """All rows, those of like length together."""
    ordered = sorted(rows, key=len)
    return [collate(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def collate(rows: Sequence[list[int]]) -> Batch:
    length = max(map(len, rows))
    token_ids = torch.zeros(len(rows), length, dtype=torch.long)
    is_token = torch.zeros(len(rows), length, dtype=torch.bool)
    for place, row in enumerate(rows):
        token_ids[place, : len(row)] = torch.tensor(row)
        is_token[place, : len(row)] = True
    return Batch(token_ids, is_token)


def epoch(lengths: Sequence[int], size: int, seed: int, number: int) -> list[list[int]]:
    """Places of one pass over all rows in batches, in random order, rows of like length together.

    They depend on the seed and the pass's number only. Length is compared within pools of
    `POOL` batches; the last batch may be smaller.
    """
    generator = torch.Generator().manual_seed(seed * MAX_EPOCHS + number)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL * size):
        pool = sorted(order[start : start + POOL * size], key=lambda place: lengths[place])
        batches += [pool[first : first + size] for first in range(0, len(pool), size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


POOL = 32
MAX_EPOCHS = 1_000_000
