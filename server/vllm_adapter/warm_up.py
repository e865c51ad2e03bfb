"""Making a server ready means that its first user waits for nothing."""

from vllm.engine.protocol import EngineClient
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams

NUM_TOKENS = 2


async def warm_up(client: EngineClient) -> None:
    """Generate a little with and without log-probabilities.

    On CPU the first request with log-probabilities may compile a kernel for 15 s. That happens
    here, before /health answers; an engine that cannot do it fails here, too, and not later.
    """
    for logprobs in (None, NUM_TOKENS):
        params = SamplingParams(
            temperature=0.0,
            max_tokens=NUM_TOKENS,
            ignore_eos=True,
            logprobs=logprobs,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        request_id = f"winnow-warm-up-{logprobs}"
        async for _ in client.generate(tokens_input([0]), params, request_id):
            pass
