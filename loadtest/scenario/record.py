"""One request as the raw file keeps it: a line of JSON."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """What came of one request, after `error` (None: it was answered in full).

    Times count from the arrival, `late_ms` of them until it was sent. `ttft_ms` is the time to the
    first text of the reply, which for a decoder is the winner's; None without a stream.
    `num_tokens` counts all that the engine generated, `num_winner_tokens` the reply's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: int
    number: int
    call: str
    question: str
    arrival_s: float
    late_ms: float
    latency_ms: float
    ttft_ms: float | None = None
    status: int | None = None
    error: str | None = None
    finish_reason: str | None = None
    answer: str | None = None
    is_right: bool = False
    num_prompt_tokens: int | None = None
    num_tokens: int | None = None
    num_winner_tokens: int | None = None
    num_candidates: int | None = None
    confidence: float | None = None
    fallback: str | None = None
    timed_out: bool = False
