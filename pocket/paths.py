"""Batched generation, keeping the gap between the two likeliest tokens at every step."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

BATCH_SIZE = 128
MAX_NEW_TOKENS = 100
TokenIds = tuple[int, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Continuation:
    """`gaps[t]` is p(likeliest) - p(second likeliest) at token t, also where that was forced.

    Without the end token; `is_finished` says whether it came.
    """

    token_ids: TokenIds
    gaps: tuple[float, ...]
    is_finished: bool


@dataclass(frozen=True)
class FirstToken:
    token_id: int
    probability: float
    gap: float


class Generator:
    """A checkpoint ready to continue prompts, many at a time."""

    def __init__(self, checkpoint: str) -> None:
        # Any: the classes behind the Auto factories carry no usable types.
        self.tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint, padding_side="left")
        model: Any = AutoModelForCausalLM.from_pretrained(
            checkpoint, dtype="auto", attn_implementation="eager"
        )
        self.model: Any = model.eval()

    def first_tokens(self, prompts: Sequence[TokenIds], k: int) -> list[list[FirstToken]]:
        """The k likeliest first tokens of each prompt, likeliest first."""
        found: list[list[FirstToken]] = []
        for chunk in _chunks(prompts):
            logits = self._generate(chunk, False, 1).logits[0]
            top = logits.float().softmax(-1).topk(k)
            for values, indices in zip(top.values.tolist(), top.indices.tolist(), strict=True):
                gap = values[0] - values[1]
                pairs = zip(indices, values, strict=True)
                found.append([FirstToken(index, value, gap) for index, value in pairs])
        return found

    def continue_greedily(self, prompts: Sequence[TokenIds]) -> list[Continuation]:
        return self._continue(prompts, is_sampled=False)

    def sample(self, prompts: Sequence[TokenIds], seed: int) -> list[Continuation]:
        """One sample at temperature 1 from the full distribution for each prompt."""
        torch.manual_seed(seed)
        return self._continue(prompts, is_sampled=True)

    def _continue(self, prompts: Sequence[TokenIds], is_sampled: bool) -> list[Continuation]:
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        found: dict[int, Continuation] = {}
        for chunk in _chunks(order):
            output = self._generate([prompts[i] for i in chunk], is_sampled, MAX_NEW_TOKENS)
            width = output.sequences.shape[1] - len(output.logits)
            token_ids = output.sequences[:, width:].tolist()
            gaps = torch.stack([_gap(logits) for logits in output.logits], 1).tolist()
            for index, ids, row in zip(chunk, token_ids, gaps, strict=True):
                found[index] = self._cut(ids, row)
        return [found[index] for index in range(len(prompts))]

    def _cut(self, token_ids: list[int], gaps: list[float]) -> Continuation:
        end: int = self.tokenizer.eos_token_id
        is_finished = end in token_ids
        length = token_ids.index(end) if is_finished else len(token_ids)
        return Continuation(tuple(token_ids[:length]), tuple(gaps[:length]), is_finished)

    @torch.inference_mode()
    def _generate(self, prompts: Sequence[TokenIds], is_sampled: bool, max_new_tokens: int) -> Any:
        """Any: generate's return type depends on its arguments."""
        padded = self.tokenizer.pad({"input_ids": [list(p) for p in prompts]}, return_tensors="pt")
        return self.model.generate(
            **padded,
            do_sample=is_sampled,
            **({"top_k": 0} if is_sampled else {}),
            max_new_tokens=max_new_tokens,
            output_logits=True,
            return_dict_in_generate=True,
        )


def _gap(logits: Tensor) -> Tensor:
    top = logits.float().softmax(-1).topk(2).values
    return top[:, 0] - top[:, 1]


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    everything = list(items)
    for start in range(0, len(everything), BATCH_SIZE):
        yield everything[start : start + BATCH_SIZE]
