"""Packed training batches; each depends on nothing but its seed."""

from dataclasses import dataclass
from functools import cache
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from pocket.chat import SPECIAL_TOKENS
from pocket.mixture import Phase, draw_example

PROMPT_WEIGHT = 0.1
"""What a prompt token counts in the loss where a reply token counts 1."""
BLANK_SHARES = (0.0, 0.0, 0.05, 0.1)
"""How much of a prompt is blanked out (word dropout), one drawn for each example: a story must be
understood by more than one of its words. Numbers and turns are never blanked."""
BLANK = 0
MAX_REFUSALS = 8


@dataclass(frozen=True)
class Shape:
    num_rows: int
    length: int


@dataclass(frozen=True)
class Batch:
    """Tensors of shape `(num_rows, length)`; `segments` numbers the examples of a row, 0 pads."""

    input_ids: Tensor
    position_ids: Tensor
    segments: Tensor
    weights: Tensor

    def attention_mask(self) -> Tensor:
        """Additive mask `(num_rows, 1, length, length)`: causal, and no look at other examples."""
        length = self.input_ids.shape[1]
        same = self.segments[:, :, None] == self.segments[:, None, :]
        allowed = same & torch.ones(length, length, dtype=torch.bool).tril()
        mask = torch.zeros(allowed.shape, dtype=torch.bfloat16)
        mask.masked_fill_(~allowed, torch.finfo(mask.dtype).min)
        return mask[:, None]


@dataclass(frozen=True)
class Piece:
    token_ids: list[int]
    num_prompt: int


def draw_batch(
    tokenizer: PreTrainedTokenizerFast,
    seed: str,
    phase: Phase,
    shape: Shape,
    is_long: bool,
) -> Batch:
    """Rows filled first-fit until several examples in a row find no room.

    An example longer than a row is passed over.
    """
    rng = Random(seed)
    rows: list[list[Piece]] = [[] for _ in range(shape.num_rows)]
    room = [shape.length] * shape.num_rows
    refusals = 0
    while refusals < MAX_REFUSALS:
        piece = _draw_piece(tokenizer, rng, phase, is_long)
        size = len(piece.token_ids)
        row = next((i for i, free in enumerate(room) if free >= size), None)
        if row is None:
            refusals += 1
            continue
        rows[row].append(piece)
        room[row] -= size
    return _collate(rows, shape)


def _draw_piece(
    tokenizer: PreTrainedTokenizerFast, rng: Random, phase: Phase, is_long: bool
) -> Piece:
    example = draw_example(rng, phase, is_long)
    prompt, reply = (
        tokenizer.backend_tokenizer.encode(text).ids for text in (example.prompt, example.reply)
    )
    share = rng.choice(BLANK_SHARES)
    kept = never_blanked(tokenizer)
    blanked = [BLANK if t not in kept and rng.random() < share else t for t in prompt]
    return Piece(blanked + reply, len(prompt))


@cache
def never_blanked(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """Tokens that hold a digit or begin and end a turn."""
    vocabulary = tokenizer.get_vocab().items()
    special = {token_id for token, token_id in vocabulary if token in SPECIAL_TOKENS}
    return frozenset(special | {i for token, i in vocabulary if any(c.isdigit() for c in token)})


def _collate(rows: list[list[Piece]], shape: Shape) -> Batch:
    size = (shape.num_rows, shape.length)
    input_ids, position_ids, segments = (torch.zeros(size, dtype=torch.long) for _ in range(3))
    weights = torch.zeros(size)
    for row, pieces in enumerate(rows):
        start = 0
        for number, piece in enumerate(pieces, start=1):
            end = start + len(piece.token_ids)
            input_ids[row, start:end] = torch.tensor(piece.token_ids)
            position_ids[row, start:end] = torch.arange(end - start)
            segments[row, start:end] = number
            weights[row, start + 1 : start + piece.num_prompt] = PROMPT_WEIGHT
            weights[row, start + piece.num_prompt : end] = 1.0
            start = end
    weights[input_ids == BLANK] = 0.0
    return Batch(input_ids, position_ids, segments, weights)
