"""What is measured, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DECODERS = ("greedy", "cot_decoding", "majority_vote:num_samples=20,temperature=1")


@dataclass(frozen=True)
class Serving:
    """How both checkpoints are run: the flags of `vllm serve` and the whole environment.

    They are the caller's, who knows what `winnow serve` would add on this machine.
    """

    flags: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class ProofOptions:
    """`text` is a JSONL file of held-out text, `dataset` what `winnow eval` takes (a file or
    `pocket`, with its `split`); None leaves out what is measured on it. `num_questions` of None
    asks all. `max_tokens` is of a path. `decode_tokens` are generated for each prompt of a round of
    decoding, `prefill_tokens` read in a round of prefilling."""

    serving: Serving
    text: Path | None
    dataset: str | None
    split: str | None = None
    decoders: tuple[str, ...] = DECODERS
    num_questions: int | None = None
    max_tokens: int = 512
    concurrency: int = 8
    num_rounds: int = 7
    top_k: int = 64
    batch_sizes: tuple[int, ...] = (1, 16)
    decode_tokens: int = 64
    prefill_tokens: int = 2048
