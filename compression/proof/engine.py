"""A checkpoint in vLLM, in a process of its own that is asked line by line.

Both sides speak JSON, one object a line; what is large goes through a file.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from compression.errors import ProofFailed
from compression.proof.divergence import Scores
from compression.proof.figures import MemoryMeasure
from compression.samples import Sample
from measurement.child_process import Child, running_child

Json = dict[str, Any]  # requests and replies, as `worker` documents them


@dataclass(frozen=True)
class Tokens:
    """The tokens of a sample. The first `num_context` are not scored, nor is the very first."""

    ids: tuple[int, ...]
    num_context: int

    @property
    def num_scored(self) -> int:
        return max(0, len(self.ids) - max(1, self.num_context))

    def cut(self, length: int) -> "Tokens":
        return replace(self, ids=self.ids[:length])


@dataclass(frozen=True)
class Memory:
    num_bytes: int
    measure: MemoryMeasure


@dataclass(frozen=True)
class Engine:
    """`vocabulary` is a fingerprint of tokens and their ids; `max_length` is in tokens."""

    child: Child
    checkpoint: Path
    load_s: float
    max_length: int
    vocab_size: int
    vocabulary: str

    def tokenize(self, samples: Sequence[Sample]) -> list[Tokens]:
        """Return the tokens of each sample.

        Raises:
            ProofFailed: the tokenizer has no chat template, and one is needed.
        """
        asked = [
            {"text": one.text, "messages": [message.model_dump() for message in one.messages]}
            for one in samples
        ]
        found = self._ask(do="tokenize", samples=asked)["tokens"]
        return [Tokens(tuple(one["ids"]), one["num_context"]) for one in found]

    def score(self, texts: Sequence[Tokens], top_k: int) -> Scores:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "scores.npz"
            asked = [{"ids": one.ids, "num_context": one.num_context} for one in texts]
            self._ask(do="score", tokens=asked, top_k=top_k, file=str(file))
            with np.load(file) as arrays:
                return Scores(arrays["token_ids"], arrays["logprobs"])

    def time(self, prompts: Sequence[Sequence[int]], num_tokens: int) -> float:
        """Seconds in which every prompt is continued by so many tokens, all at once."""
        seconds: float = self._ask(do="time", prompts=prompts, num_tokens=num_tokens)["seconds"]
        return seconds

    def weigh(self) -> Memory:
        """What the weights take. The model may be gone then: ask nothing after it."""
        reply = self._ask(do="weigh")
        return Memory(reply["num_bytes"], reply["measure"])

    def _ask(self, **request: object) -> Json:
        return _ask(self.child, self.checkpoint, request)


@contextmanager
def running_engine(
    checkpoint: Path, flags: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Engine]:
    """Loaded and ready; stopped on leaving. `flags` are those of `vllm serve`.

    Raises:
        ProofFailed: vLLM does not load it; the message has vLLM's reason.
    """
    command = [sys.executable, "-m", "compression.proof.worker", str(checkpoint), *flags]
    with running_child(command, environment, has_pipes=True) as child:
        ready = _read(child, checkpoint)
        yield Engine(child, checkpoint, **ready)


def _ask(child: Child, checkpoint: Path, request: Json) -> Json:
    assert child.process.stdin is not None
    try:
        child.process.stdin.write(json.dumps(request).encode() + b"\n")
        child.process.stdin.flush()
    except BrokenPipeError:
        pass  # told on reading, with the reason
    return _read(child, checkpoint)


def _read(child: Child, checkpoint: Path) -> Json:
    assert child.process.stdout is not None
    line = child.process.stdout.readline()
    if not line:
        child.wait()
        raise ProofFailed(f"checkpoint {checkpoint}: vLLM ended: {_plain(child.reason())}")
    reply: Json = json.loads(line)
    if "error" in reply:
        # The engine may run in a process below the worker's, whose log alone has the reason.
        said = _plain(reply["error"] or child.reason())
        raise ProofFailed(f"checkpoint {checkpoint}: vLLM cannot {reply['doing']} it: {said}")
    return reply


def _plain(reason: str) -> str:
    missing = re.fullmatch(r"'_OpNamespace' '_C' object has no attribute '(\w+)'", reason)
    return f"it has no {missing[1]} for this processor" if missing else reason
