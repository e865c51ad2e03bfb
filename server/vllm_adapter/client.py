"""An EngineClient that answers one request through a decoder.

vLLM's serving objects render the prompt, call `generate()` and turn what it yields into chat,
completions or responses. A copy of such an object whose client is a `DecodingClient` therefore
serves any of these APIs with a decoder, while the object itself keeps serving plain requests at
native speed: they never meet this module.
"""

import asyncio
import copy
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, cast

from vllm.engine.protocol import EngineClient
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.inputs import EngineInput
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.utils import length_from_prompt_token_ids_or_embeds

from decoding.decoder import Decoder, Outcome, Progress
from decoding.engine import Delta, OutOfTime
from decoding.most import Room
from decoding.path import Path
from server.engine_work import EngineWork
from server.gate.admission import SharedPrompt, current_visit
from server.gate.budgets import Most
from server.vllm_adapter.deadline import Deadline, DeadlinePassed
from server.vllm_adapter.dialogue import Dialogue
from server.vllm_adapter.engine import NO_ADAPTERS, Adapters, VLLMEngine
from server.vllm_adapter.tracing import trace_request

Serving = TypeVar("Serving", bound=GenerateBaseServing)


class DecodingClient:
    """Decorates the server's EngineClient for one request; `outcome` and `work` are there when it
    is done, and `first_output_at` (of `time.perf_counter`) once the first of the winner is.
    `deadline_passed` is there instead where the time was too short for any outcome."""

    def __init__(
        self,
        inner: EngineClient,
        decoder: Decoder,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        adapters: Adapters = NO_ADAPTERS,
        dialogue: Dialogue | None = None,
        began_ns: int | None = None,  # of `time.time_ns`
        deadline: Deadline | None = None,
    ) -> None:
        self._inner = inner
        self._decoder = decoder
        self._on_progress = on_progress
        self._adapters = adapters
        self._dialogue = dialogue
        self._began_ns = began_ns or time.time_ns()
        self._deadline = deadline
        self.deadline_passed: DeadlinePassed | None = None
        self.outcome: Outcome | None = None
        self.work: EngineWork | None = None
        self.first_output_at: float | None = None
        self.num_aside_prompt_tokens = 0
        """Of the decoder's own questions; they are no part of the prompt that vLLM counts."""

    def __getattr__(self, name: str) -> Any:  # whatever the decorated client has
        return getattr(self._inner, name)

    def check_admission(self, n: int = 1, request_id: str | None = None) -> None:
        self._inner.check_admission(n * self._decoder.num_paths, request_id)

    def most_of(self, prompt: EngineInput, params: SamplingParams) -> Most:
        """The most that `generate` can cost."""
        assert params.max_tokens is not None, "vLLM's serving code always sets max_tokens"
        room = Room(
            prompt_length(prompt), params.max_tokens, self._inner.model_config.max_model_len
        )
        most = self._decoder.most_tokens(room)
        return Most(most.prompt, most.generated, self._decoder.num_paths)

    def generate(
        self,
        prompt: EngineInput,
        sampling_params: SamplingParams,
        request_id: str,
        **options: Any,  # keyword arguments grow with each release of vLLM
    ) -> AsyncGenerator[RequestOutput, None]:
        """vLLM's generate(), decided by the decoder. Closing it stops every path.

        Raises:
            Refused: the key's budgets have not as much left; at once, before anything runs.
            DeadlinePassed: the time was too short for an outcome.
        """
        visit = current_visit.get()
        if visit is None:
            shared = SharedPrompt()
        else:
            shared = visit.share(self.most_of(prompt, sampling_params))
        return self._generate(prompt, sampling_params, request_id, options, shared)

    async def _generate(
        self,
        prompt: EngineInput,
        sampling_params: SamplingParams,
        request_id: str,
        options: dict[str, Any],  # as `generate`
        shared: SharedPrompt,
    ) -> AsyncGenerator[RequestOutput, None]:
        options["data_parallel_rank"] = self._pin(options.get("data_parallel_rank"), request_id)
        trace = trace_request(self._inner, self._decoder, request_id, options, self._began_ns)
        engine = VLLMEngine(
            self._inner,
            prompt,
            sampling_params,
            request_id,
            options,
            self._adapters,
            self._dialogue,
            trace,
            self._deadline,
        )
        shared.num_prompt_tokens = len(engine.prompt.token_ids)
        events: asyncio.Queue[RequestOutput | None] = asyncio.Queue()

        def emit(event: Progress | Delta) -> None:
            if isinstance(event, Progress):
                self._on_progress(event)
            elif event.native is not None:  # else it is the end of a path that never began
                events.put_nowait(cast(RequestOutput, event.native))

        task = asyncio.create_task(self._decoder.answer_prompt(engine, engine.prompt, emit))
        task.add_done_callback(lambda _: events.put_nowait(None))
        if trace is not None:
            task.add_done_callback(lambda done: trace.end(done, engine.work))
        ending = asyncio.create_task(engine.end_paths_in_time())
        held: RequestOutput | None = None
        try:
            while (output := await events.get()) is not None:
                self._mark_first_output()
                if held is not None:
                    yield held
                held = output
            outcome = await task
        except OutOfTime as failure:
            assert self._deadline is not None, "without a deadline nothing runs out of time"
            self.deadline_passed = self._deadline.passed(str(failure))
            raise self.deadline_passed from None
        finally:
            ending.cancel()
            await _stop(task)
            shared.num_prompt_tokens += engine.num_aside_prompt_tokens
        self._mark_first_output()
        # The last output follows the outcome, so that whoever sees the end can read it.
        self.outcome, self.work = outcome, engine.work
        self.num_aside_prompt_tokens = engine.num_aside_prompt_tokens
        own_prompt = outcome.prompt or engine.prompt
        shared.num_used = (
            len(own_prompt.token_ids) + engine.num_aside_prompt_tokens + outcome.report.num_tokens
        )
        if held is not None:
            yield held
            return
        for output in _as_outputs(outcome, engine, prompt, sampling_params, request_id):
            yield output

    def _mark_first_output(self) -> None:
        if self.first_output_at is None:
            self.first_output_at = time.perf_counter()

    def _pin(self, rank: int | None, request_id: str) -> int | None:
        """All paths of a request on one data-parallel engine, where the prompt is cached."""
        parallel = self._inner.vllm_config.parallel_config
        if rank is not None or parallel.data_parallel_size == 1 or parallel.local_engines_only:
            return rank
        return zlib.crc32(request_id.encode()) % parallel.data_parallel_size


def prompt_length(prompt: EngineInput) -> int:
    """The length of a prompt in tokens."""
    own = cast(Any, prompt)  # a union of typed dicts
    own = own.get("decoder_prompt", own)  # of a model with an encoder
    return length_from_prompt_token_ids_or_embeds(
        own.get("prompt_token_ids"), own.get("prompt_embeds")
    )


def with_decoder(serving: Serving, client: DecodingClient) -> Serving:
    """A copy of a serving object that generates through `client`; it shares all else."""
    own = copy.copy(serving)
    own.engine_client = cast(EngineClient, client)  # decorates one by delegation
    return own


async def _stop(task: asyncio.Task[Outcome]) -> None:
    if task.done():
        return
    task.cancel()
    await asyncio.wait([task])


def _as_outputs(
    outcome: Outcome,
    engine: VLLMEngine,
    prompt: EngineInput,
    params: SamplingParams,
    request_id: str,
) -> list[RequestOutput]:
    """The winner as vLLM would have put it: token by token when streaming, else at once."""
    path = outcome.winner
    if params.output_kind == RequestOutputKind.DELTA:
        begins = (0, *path.decoded.ends[:-1])
        pieces = [
            (path.text[begin:end], [token_id])
            for token_id, begin, end in zip(path.token_ids, begins, path.decoded.ends, strict=True)
        ]
    else:
        pieces = [(path.text, list(path.token_ids))]
    return [
        RequestOutput(
            request_id=request_id,
            prompt=cast(Any, prompt).get("prompt"),  # a union of typed dicts
            prompt_token_ids=list((outcome.prompt or engine.prompt).token_ids),
            prompt_logprobs=None,
            outputs=[_completion(path, text, ids, is_last=i + 1 == len(pieces))],
            finished=i + 1 == len(pieces),
            num_cached_tokens=engine.num_cached_tokens,
        )
        for i, (text, ids) in enumerate(pieces)
    ]


def _completion(path: Path, text: str, token_ids: list[int], *, is_last: bool) -> CompletionOutput:
    return CompletionOutput(
        index=0,
        text=text,
        token_ids=token_ids,
        cumulative_logprob=None,
        logprobs=None,
        finish_reason=path.finish_reason if is_last else None,
        stop_reason=path.stop_reason if is_last else None,
    )
