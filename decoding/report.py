"""What a decoder did: the `decoding` object of a reply."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Dropped = Literal["empty", "truncated", "no_answer"]
"""Why a candidate could not be selected."""


class Candidate(BaseModel):
    """One path as the report shows it.

    `confidence` is Δ of the answer's tokens in 0..1, null where none was measured. `weight` is
    what the candidate added to its answer's score. `num_tokens` counts every token of the path.
    `text` is null unless the request asked for texts.
    """

    model_config = ConfigDict(frozen=True)

    answer: str | None
    confidence: float | None
    weight: float
    num_tokens: int
    finish_reason: str
    dropped: Dropped | None = None
    text: str | None = None


class Report(BaseModel):
    """How the reply was found.

    `parameters` are the decoder's fields as run. `selected` indexes `candidates`. `agreement`
    is the share of all weight that the selected answer holds, null where nothing was weighed.
    `fallback` says why the greedy path was taken instead of a selected one, null otherwise.
    `num_tokens` counts every token generated, discarded ones included; `phases_ms` is wall time.
    """

    model_config = ConfigDict(frozen=True)

    strategy: str
    parameters: dict[str, Any]  # each strategy has its own fields
    selected: int
    answer: str | None
    confidence: float | None
    agreement: float | None
    fallback: str | None
    num_tokens: int
    candidates: tuple[Candidate, ...]
    phases_ms: dict[str, float]
