"""What each request costs the engine, and whose cache it may read: the places of vLLM's through
which everything goes that it generates, whatever route it came by.

Tokens are counted by the sequences' own detokenizers, when the visit ends: nothing is added to what
vLLM does for a token, and those of aborted requests count.
"""

import hashlib
import hmac
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from vllm.engine.protocol import EngineClient
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.inputs import EngineInput
from vllm.outputs import RequestOutput
from vllm.sampling_params import SamplingParams
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.parallel_sampling import ParentRequest

from server.gate.admission import current_visit
from server.gate.budgets import Most
from server.gate.tenancy import PUBLIC
from server.vllm_adapter.client import DecodingClient, prompt_length

NUM_SALT_CHARS = 32


def meter(engine_client: EngineClient, secret: str) -> None:
    """Count the tokens of each visit, hold the most that it can cost of its key's budgets before
    it runs, and keep tenants' prefix caches apart."""
    assert isinstance(engine_client, AsyncLLM)
    _count_sequences(engine_client, secret)
    _hold_before(engine_client)
    if not hasattr(GenerateBaseServing, "winnow_beam_search"):  # once in a process
        _count_beams()
        _hold_before_responses()


def _count_sequences(engine_client: AsyncLLM, secret: str) -> None:
    processor, outputs = engine_client.input_processor, engine_client.output_processor
    process_inputs, add_request = processor.process_inputs, outputs.add_request

    def salted_inputs(*args: Any, **kwargs: Any) -> EngineCoreRequest:  # as vLLM's, which grow
        request = process_inputs(*args, **kwargs)
        visit = current_visit.get()
        if visit is None:
            return request
        if visit.caller.tenant != PUBLIC:
            request.cache_salt = salt(secret, visit.caller.tenant, request.cache_salt)
        if kwargs.get("resumable") and request.sampling_params is not None:
            # A piece of what /v1/realtime hears, which nobody knew before.
            length = len(request.prompt_token_ids or ())
            visit.hold(Most(length, request.sampling_params.max_tokens or 0))
        return request

    def add_counted(
        request: EngineCoreRequest,
        prompt: str | None,
        parent_req: ParentRequest | None = None,
        request_index: int = 0,
        *args: Any,  # as vLLM's, which grow
        **kwargs: Any,
    ) -> None:
        add_request(request, prompt, parent_req, request_index, *args, **kwargs)
        visit = current_visit.get()
        if visit is not None:
            state = outputs.request_states[request.request_id]
            visit.add_sequence(0 if request_index else state.prompt_len, state.detokenizer)

    processor.process_inputs = salted_inputs  # type: ignore[method-assign]  # vLLM has no hook
    cast(Any, outputs).add_request = add_counted  # likewise


def _hold_before(engine_client: AsyncLLM) -> None:
    """Serving objects call `generate` and `encode` for all prompts of a request before they iterate
    any of it: what is refused here has begun nothing."""
    generate, encode = engine_client.generate, engine_client.encode
    context: int = engine_client.model_config.max_model_len

    def held_generate(
        prompt: Any, sampling_params: SamplingParams, *args: Any, **kwargs: Any
    ) -> Any:
        visit = current_visit.get()
        if visit is not None and not isinstance(prompt, AsyncGenerator):
            visit.hold(_most(prompt, sampling_params, context))
        return generate(prompt, sampling_params, *args, **kwargs)

    def held_encode(prompt: Any, *args: Any, **kwargs: Any) -> Any:  # as vLLM's, which grow
        visit = current_visit.get()
        if visit is not None:
            visit.hold(Most(_length(prompt, context)))
        return encode(prompt, *args, **kwargs)

    cast(Any, engine_client).generate = held_generate  # vLLM has no hook
    cast(Any, engine_client).encode = held_encode  # likewise


def _count_beams() -> None:
    """A beam search asks the engine for one token of each beam at a time, with a prompt that grows;
    its usage is that of its prompt and of the beams that it gives."""
    search = GenerateBaseServing.beam_search

    def counted_search(
        self: GenerateBaseServing, prompt: Any, request_id: str, params: Any, **kwargs: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        outputs = search(self, prompt, request_id, params, **kwargs)
        visit = current_visit.get()
        if visit is None:
            return outputs
        length = prompt_length(prompt)
        most = Most(length, params.beam_width * params.max_tokens, params.beam_width)
        shared = visit.share(most)
        shared.num_prompt_tokens = length

        async def counted() -> AsyncGenerator[RequestOutput, None]:
            async with aclosing(outputs):
                async for output in outputs:
                    if output.outputs[0].finish_reason != "error":
                        generated = sum(len(beam.token_ids) for beam in output.outputs)
                        shared.num_used = length + generated
                    yield output

        return counted()

    cast(Any, GenerateBaseServing).beam_search = counted_search  # vLLM has no hook
    cast(Any, GenerateBaseServing).winnow_beam_search = search


def _hold_before_responses() -> None:
    """Hold the most that a response can cost before its reply is iterated.

    Unlike other routes, /v1/responses calls `generate` when its reply is iterated. In a stream and
    in the background, that is after the status was sent.
    """
    generate = OpenAIServingResponses._generate_with_builtin_tools

    def held_generate(self: OpenAIServingResponses, *args: Any, **kwargs: Any) -> Any:
        visit = current_visit.get()
        if visit is not None:
            prompt, params = kwargs["engine_input"], kwargs["sampling_params"]
            client: Any = self.engine_client  # the engine's, or one that decorates it
            if isinstance(client, DecodingClient):
                visit.hold_ahead(client.most_of(prompt, params))
            else:
                visit.hold_ahead(_most(prompt, params, self.model_config.max_model_len))
        return generate(self, *args, **kwargs)

    cast(Any, OpenAIServingResponses)._generate_with_builtin_tools = held_generate


def _most(prompt: Any, params: SamplingParams, context: int) -> Most:  # any of vLLM's prompts
    length = _length(prompt, context)
    max_tokens = params.max_tokens if params.max_tokens is not None else context - length
    return Most(length, params.n * max_tokens, params.n)


def _length(prompt: Any, context: int) -> int:  # likewise
    """The length in tokens of a prompt that was rendered; of any other, the most it can be."""
    is_rendered = isinstance(prompt, dict) and "type" in prompt
    return prompt_length(cast(EngineInput, prompt)) if is_rendered else context


def salt(secret: str, tenant: str, given: str | None) -> str:
    """What a tenant's cache is kept apart by. A salt of the client's own divides its tenant's
    cache further, and cannot name another's."""
    message = f"{tenant}\0{given or ''}".encode(errors="surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:NUM_SALT_CHARS]
