"""Real vLLM engines for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.inputs.engine import tokens_input
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine.async_llm import AsyncLLM

from server.defaults import CPU_FLAGS
from server.vllm_adapter.amx import request_amx
from server.vllm_adapter.deadline import Deadline
from server.vllm_adapter.engine import VLLMEngine
from tests.server.forked import EngineContext

_request_numbers = count()
HURRY_S = 0.3


@asynccontextmanager
async def running_llm(
    model: str, max_model_len: int | None = None, max_num_batched_tokens: int | None = None
) -> AsyncIterator[AsyncLLM]:
    request_amx()
    arguments = AsyncEngineArgs(
        model=model,
        enforce_eager=True,
        block_size=32,
        max_logprobs=64,
        max_model_len=max_model_len,
        max_num_batched_tokens=max_num_batched_tokens,
        worker_cls=CPU_FLAGS["--worker-cls"] or "auto",
        disable_log_stats=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vllm.v1.engine.utils.get_mp_context", EngineContext)
        llm = AsyncLLM.from_engine_args(arguments)
    try:
        yield llm
    finally:
        llm.shutdown()
        # Its finalizer shuts down once more, when the interpreter has already let go of modules.
        llm.shutdown = lambda timeout=None: None  # type: ignore[method-assign]


def request_id() -> str:
    return f"test-{next(_request_numbers)}"


def params(max_tokens: int, *, ignore_eos: bool = False, stop: str | None = None) -> SamplingParams:
    """Sampling parameters as vLLM's serving code makes them for a streaming request."""
    return SamplingParams(
        max_tokens=max_tokens,
        ignore_eos=ignore_eos,
        stop=stop,
        output_kind=RequestOutputKind.DELTA,
    )


def vllm_engine(
    llm: AsyncLLM, prompt_token_ids: list[int], sampling_params: SamplingParams
) -> VLLMEngine:
    return VLLMEngine(llm, tokens_input(prompt_token_ids), sampling_params, request_id(), {})


@asynccontextmanager
async def hurried_engine(
    llm: AsyncLLM, prompt_token_ids: list[int], sampling_params: SamplingParams
) -> AsyncIterator[VLLMEngine]:
    deadline = Deadline(HURRY_S, asyncio.get_running_loop().time() + HURRY_S, is_own=True)
    prompt = tokens_input(prompt_token_ids)
    engine = VLLMEngine(llm, prompt, sampling_params, request_id(), {}, deadline=deadline)
    ending = asyncio.create_task(engine.end_paths_in_time())
    yield engine
    ending.cancel()
