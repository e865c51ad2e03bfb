"""Large replies, built beside the event loop.

vLLM makes a reply's log-probabilities and its JSON in one go, on the loop that all requests share.
A large reply would keep every other request, and /health, waiting for seconds. Here the text of a
token is looked up instead of decoded each time, and a thread builds what is large.
"""

import asyncio
import copy
import functools
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar, cast

from vllm.engine.protocol import EngineClient
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
from vllm.entrypoints.openai.responses.context import SimpleContext
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.outputs import RequestOutput
from vllm.tokenizers import TokenizerLike
from vllm.tokenizers.detokenizer_utils import convert_ids_list_to_tokens
from vllm.v1.engine import logprobs as vllm_logprobs
from vllm.v1.engine.logprobs import LogprobsProcessor

MAX_ON_LOOP = 4096
"""Tokens and log-probabilities: those of a smaller reply are built at once, on the loop."""
MAX_PAUSE_S = 30.0

Built = TypeVar("Built")
_thread = ThreadPoolExecutor(1, thread_name_prefix="large-replies")


_num_pauses = 0  # of the garbage collector
_paused_at = 0.0


async def build_aside(build: Callable[[], Built]) -> Built:
    """The result of `build`, which runs in a thread. One large reply is built at a time."""
    context = copy_context()
    _pause_collector()
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread, context.run, build)
    finally:
        _resume_collector()


async def build_reply(build: Callable[[], Built]) -> Built:
    """Build a reply as `build_aside` does, with the collector paused until this task ends, which
    frees the reply."""
    task = asyncio.current_task()
    assert task is not None
    _pause_collector()
    task.add_done_callback(lambda _: _resume_collector())
    return await build_aside(build)


def _pause_collector() -> None:
    """The garbage collector would look through all that is being made, again and again, and stop
    every thread meanwhile: some 300 ms for a million objects, when it comes back, too. For those
    who ask for one large reply after another it is not put off for longer than MAX_PAUSE_S."""
    global _num_pauses, _paused_at
    if not _num_pauses:
        _paused_at = time.monotonic()
    _num_pauses += 1
    if time.monotonic() - _paused_at <= MAX_PAUSE_S:
        gc.disable()
    else:
        gc.enable()


def _resume_collector() -> None:
    global _num_pauses
    _num_pauses -= 1
    if not _num_pauses:
        gc.enable()


def install(engine_client: EngineClient) -> None:
    """Have vLLM's serving classes build their large replies aside; once per process."""
    tokenizer = engine_client.renderer.tokenizer
    if tokenizer is None or isinstance(engine_client.generate, _Generate):
        return
    # vLLM has no hooks.
    cast(Any, vllm_logprobs).convert_ids_list_to_tokens = _TokenTexts(tokenizer)
    cast(Any, LogprobsProcessor)._update_prompt_logprobs = _put_off
    cast(Any, LogprobsProcessor)._correct_decoded_token = _correct_cut_token
    cast(Any, engine_client).generate = _Generate(engine_client.generate)
    _patch_serving()


class _TokenTexts:
    """vLLM's `convert_ids_list_to_tokens`, with a memory of the size of the vocabulary."""

    def __init__(self, tokenizer: TokenizerLike) -> None:
        self._tokenizer = tokenizer
        self._convert = convert_ids_list_to_tokens
        self._texts: dict[int, str] = {}

    def __call__(self, tokenizer: TokenizerLike, token_ids: list[int]) -> list[str]:
        if tokenizer is not self._tokenizer:
            return self._convert(tokenizer, token_ids)
        texts = self._texts
        unknown = [one for one in dict.fromkeys(token_ids) if one not in texts]
        if unknown:
            texts.update(zip(unknown, self._convert(tokenizer, unknown), strict=True))
        return [texts[one] for one in token_ids]


_correct_decoded_token = LogprobsProcessor._correct_decoded_token


def _correct_cut_token(processor: LogprobsProcessor, token_id: int, context: list[int]) -> str:
    """The text of a token that ends within a character. Only behind another such token can it
    complete one; vLLM decodes up to eight times to find out."""
    before = cast(Any, vllm_logprobs).convert_ids_list_to_tokens(processor.tokenizer, context[-1:])
    if not before or not before[0].endswith("\ufffd"):
        return ""
    return _correct_decoded_token(processor, token_id, context)


class _Rows(list[Any]):  # of a prompt: what vLLM's PromptLogprobs holds
    """A prompt's log-probabilities, which are not made until `build`."""

    def __init__(self, processor: LogprobsProcessor) -> None:
        super().__init__(cast("list[Any]", processor.prompt_logprobs))
        self._processor = copy.copy(processor)
        self._processor.prompt_logprobs = self
        self.waiting: list[Any] = []  # vLLM's LogprobsTensors

    def build(self) -> None:
        waiting, self.waiting = self.waiting, []
        for tensors in waiting:
            _update_prompt_logprobs(self._processor, tensors)


_update_prompt_logprobs = LogprobsProcessor._update_prompt_logprobs


def _put_off(processor: LogprobsProcessor, tensors: Any) -> None:  # vLLM's LogprobsTensors
    rows = processor.prompt_logprobs
    if isinstance(rows, list) and not isinstance(rows, _Rows):
        rows = processor.prompt_logprobs = _Rows(processor)
    if isinstance(rows, _Rows):
        rows.waiting.append(tensors)
    else:
        _update_prompt_logprobs(processor, tensors)


class _Generate:
    """The engine client's `generate`; whoever asked for a prompt's log-probabilities gets them
    built."""

    def __init__(self, generate: Callable[..., AsyncGenerator[RequestOutput, None]]) -> None:
        self._generate = generate

    def __call__(
        self,
        prompt: Any,
        sampling_params: Any,
        *args: Any,
        **kwargs: Any,  # vLLM's, which grow
    ) -> AsyncGenerator[RequestOutput, None]:
        outputs = self._generate(prompt, sampling_params, *args, **kwargs)
        if getattr(sampling_params, "prompt_logprobs", None) is None:
            return outputs
        return _with_rows(outputs)


async def _with_rows(
    outputs: AsyncGenerator[RequestOutput, None],
) -> AsyncGenerator[RequestOutput, None]:
    try:
        async for output in outputs:
            rows = output.prompt_logprobs
            if isinstance(rows, _Rows) and rows.waiting:
                await build_aside(rows.build)
            yield output
    finally:
        await outputs.aclose()


class _Later:
    """A reply that is still to be built, by whoever awaits it."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self.build = build


def _patch_serving() -> None:
    _finish_aside(OpenAIServingChat, "chat_completion_full_generator", _collect_chat)
    _finish_aside(OpenAIServingResponses, "responses_full_generator", _collect_response)
    completion: Any = OpenAIServingCompletion  # vLLM has no hooks here
    respond, create = completion.request_output_to_completion_response, completion.create_completion

    def respond_later(
        serving: Any, outputs: Sequence[RequestOutput], request: Any, *args: Any
    ) -> Any:
        def build() -> Any:
            return respond(serving, outputs, request, *args)

        size = sum(map(_size, outputs))
        if request.echo or request.return_token_ids:
            size += sum(len(one.outputs) * len(one.prompt_token_ids or ()) for one in outputs)
        return _Later(build) if size > MAX_ON_LOOP else build()

    async def create_completion(serving: Any, *args: Any, **kwargs: Any) -> Any:
        result = await create(serving, *args, **kwargs)
        return await build_reply(result.build) if isinstance(result, _Later) else result

    completion.request_output_to_completion_response = respond_later
    completion.create_completion = create_completion


Collect = Callable[..., Awaitable[tuple[tuple[Any, ...], bool]]]
"""Awaits all outputs of a request. Gives the arguments to finish the reply with, and whether that
is much work."""


def _finish_aside(serving_class: Any, name: str, collect: Collect) -> None:
    """Have the method, a coroutine that makes a reply of outputs, do so in a thread."""
    finish = getattr(serving_class, name)

    @functools.wraps(finish)
    async def finish_aside(serving: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            args, is_large = await collect(*args)
        except asyncio.CancelledError:
            return serving.create_error_response("Client disconnected")
        finishing = finish(serving, *args, **kwargs)
        if not is_large:
            return await finishing
        # A stream goes on as long as its client reads.
        build = build_aside if args[0].stream else build_reply
        return await build(lambda: asyncio.run(finishing))

    setattr(serving_class, name, finish_aside)


async def _collect_chat(request: Any, outputs: Any, *rest: Any) -> tuple[tuple[Any, ...], bool]:
    last: RequestOutput | None = None
    async for output in outputs:
        last = output
    is_large = last is not None and _size(last) > MAX_ON_LOOP
    return (request, _once(last), *rest), is_large


async def _collect_response(
    request: Any, params: Any, outputs: Any, context: Any, *rest: Any
) -> tuple[tuple[Any, ...], bool]:
    args = (request, params, outputs, context, *rest)
    if not isinstance(context, SimpleContext) or not request.is_include_output_logprobs():
        return args, False
    async for _ in outputs:
        pass
    num_entries = context.num_output_tokens * (1 + (request.top_logprobs or 0))
    # What is stored is guarded by a lock of this loop.
    is_large = num_entries > MAX_ON_LOOP and not request.store
    return (request, params, _once(None), context, *rest), is_large


async def _once(output: RequestOutput | None) -> AsyncGenerator[RequestOutput, None]:
    if output is not None:
        yield output


def _size(output: RequestOutput) -> int:
    """The tokens and log-probabilities that a reply of this output has."""
    rows = [output.prompt_logprobs, *(one.logprobs for one in output.outputs)]
    num_logprobs = sum(len(some) * (1 + len(some[-1] or ())) for some in rows if some)
    return num_logprobs + sum(len(one.token_ids) for one in output.outputs)
