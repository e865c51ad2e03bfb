"""What vLLM says of the calls that a request makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from vllm.outputs import RequestOutput

from server.engine_work import EngineWork


@dataclass(slots=True)
class Call:
    """One call, as far as it has come.

    The prompt's tokens are 0 until it was computed, which the first token shows. `queued_at` and
    `scheduled_at` are seconds by the engine's clock, 0 where it keeps no statistics.
    """

    id: str
    num_tokens: int = 0
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    queued_at: float = 0.0
    scheduled_at: float = 0.0
    finish_reason: str | None = None

    def add(self, output: RequestOutput) -> None:
        completion = output.outputs[0]
        if completion.token_ids and self.num_tokens == 0:
            self.num_prompt_tokens = len(output.prompt_token_ids or ())
            self.num_cached_tokens = output.num_cached_tokens or 0
            if output.metrics is not None:
                self.queued_at = output.metrics.queued_ts
                self.scheduled_at = output.metrics.scheduled_ts
        self.num_tokens += len(completion.token_ids)
        self.finish_reason = completion.finish_reason


def work_of(calls: Sequence[Call]) -> EngineWork:
    num_reused = sum(call.num_cached_tokens for call in calls)
    timed = [call for call in calls if call.scheduled_at]
    queue_s = None
    if timed:
        queue_s = min(c.scheduled_at for c in timed) - min(c.queued_at for c in timed)
    return EngineWork(
        sum(call.num_prompt_tokens for call in calls) - num_reused, num_reused, queue_s
    )
