"""The routes that take `decoding`. Without it vLLM's own classes answer, with a deadline."""

import functools
import logging
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from vllm.entrypoints.anthropic import api_router as vllm_anthropic
from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest
from vllm.entrypoints.openai.chat_completion import api_router as vllm_chat
from vllm.entrypoints.openai.chat_completion.protocol import (
    BatchChatCompletionRequest,
    ChatCompletionRequest,
)
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.responses.protocol import (
    ResponsesRequest,
    ResponsesResponse,
)
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import (
    load_aware_call,
    validate_json_request,
)

from decoding.decoder import Decoder
from decoding.sampled import SampledDecoder
from decoding.verifiers import Verifiers
from retrieval.library import TenantRetriever
from server.compatibility import overridden_by, refuse_contradictions
from server.connected import while_connected
from server.errors import InvalidRequest, shown
from server.gate.admission import current_visit
from server.gate.body import ClientLeft
from server.gate.caller import Caller, caller_of
from server.gate.headers import new_request_id
from server.gate.refusals import Refused
from server.misspelt import refuse_misplaced, refuse_unknown
from server.settings import Settings
from server.vllm_adapter import plain
from server.vllm_adapter.body_fields import check_body_fields
from server.vllm_adapter.bounds import AnyRequest, check_bounds
from server.vllm_adapter.deadline import begin_deadline, deadline_of, within_deadline
from server.vllm_adapter.dialogue import (
    add_notes,
    chat_dialogue,
    completion_dialogue,
    question_of,
    response_dialogue,
    said_in,
    stands_alone,
)
from server.vllm_adapter.finding import Finding, find
from server.vllm_adapter.models import adapters, served_models
from server.vllm_adapter.run import OVERRIDDEN, Run
from server.vllm_adapter.stored_responses import claim, last_in_background
from server.vllm_adapter.structured import check_structured
from server.wire import FIELD, choose_decoder, is_wrapped, split_alias

CLIENT_LEFT = 499
"""nginx's, which has found its way into the logs of others."""

Json = dict[str, Any]  # a reply on its way out
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])

logger = logging.getLogger(__name__)
router = APIRouter(
    dependencies=[
        Depends(validate_json_request),
        Depends(check_body_fields),
        Depends(check_structured),
    ]
)


@router.post("/v1/chat/completions")
async def create_chat_completion(request: ChatCompletionRequest, raw_request: Request) -> Response:
    request.request_id = new_request_id()
    begin_deadline(request, raw_request)
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        return await plain_chat(request, raw_request)
    return await decode_chat(request, raw_request, decoder)


@router.post("/v1/completions")
async def create_completion(request: CompletionRequest, raw_request: Request) -> Response:
    request.request_id = new_request_id()
    begin_deadline(request, raw_request)
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        return await plain_completion(request, raw_request)
    return await decode_completion(request, raw_request, decoder)


@router.post("/v1/responses")
async def create_response(request: ResponsesRequest, raw_request: Request) -> Response:
    if (visit := current_visit.get()) is not None:
        visit.length_field = "max_output_tokens"
    begin_deadline(request, raw_request)
    claim(request, raw_request)
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        try:
            return await plain_response(request, raw_request)
        finally:
            last_in_background(request, raw_request)
    return await decode_response(request, raw_request, decoder)


@router.post("/v1/chat/completions/batch")
async def create_batch(request: BatchChatCompletionRequest, raw_request: Request) -> Response:
    """vLLM's own; here for what `router` checks first."""
    return cast(Response, await vllm_chat.create_batch_chat_completion(request, raw_request))


@router.post("/v1/messages")
async def create_messages(request: AnthropicMessagesRequest, raw_request: Request) -> Response:
    """vLLM's own; here for what `router` checks first."""
    return cast(Response, await vllm_anthropic.create_messages(request, raw_request))


def cancellable(handler: Handler) -> Handler:
    """Cancel the handler when its client leaves, and count it in the server's load.

    vLLM's own decorator lets the handler go on where the request's task is cancelled: by Ray, or
    when its time is over.
    """
    counted = load_aware_call(handler)  # type: ignore[no-untyped-call]  # vLLM leaves it untyped

    @functools.wraps(handler)
    async def handle(request: Any, raw_request: Request, *others: Any) -> Response:
        try:
            work = counted(request, raw_request, *others)
            return cast(Response, await while_connected(raw_request, work))
        except ClientLeft:
            return Response(status_code=CLIENT_LEFT)  # nobody reads it but who reads the log

    return cast(Handler, handle)


plain_chat = cancellable(within_deadline(plain.create_chat_completion))
plain_completion = cancellable(within_deadline(plain.create_completion))
plain_response = cancellable(within_deadline(plain.create_response))


async def take_decoder(request: AnyRequest, raw_request: Request) -> Decoder | None:
    """Take `decoding` and a `MODEL:strategy` alias out of the request.

    Raises:
        InvalidRequest: they name no decoder, or the rest of the request contradicts it.
    """
    alias = None
    # Most requests have neither a colon in the model's name nor the field: they pay two look-ups.
    if request.model and ":" in request.model:
        names = await served_models(raw_request.app.state)
        request.model, alias = split_alias(request.model, names)
    extra = request.model_extra or {}
    refuse_unknown(extra)
    value = extra.get(FIELD)
    if alias is None and value is None:
        check_bounds(request, None, raw_request)
        return None
    settings: Settings = raw_request.app.state.winnow_settings
    raw_request.state.winnow_is_wrapped = is_wrapped(value)
    given = given_fields(request)
    verifiers: Verifiers = raw_request.app.state.winnow_verifiers
    decoder = choose_decoder(value, alias, settings.max_paths, given, verifiers)
    assert decoder is not None
    check_leave(decoder, caller_of(raw_request))
    refuse_misplaced(extra, decoder)
    refuse_contradictions(decoder, given)
    overridden = overridden_by(decoder, given)
    setattr(raw_request.state, OVERRIDDEN, overridden)
    if isinstance(decoder, SampledDecoder) and overridden.get("temperature") == 0:
        request.temperature = decoder.temperature  # at 0 vLLM drops top_p and min_p, too
    check_bounds(request, decoder, raw_request)
    if decoder.prompt_template is not None and not isinstance(request, CompletionRequest):
        raise InvalidRequest(
            f"{FIELD}.prompt_template",
            "prompt_template is for /v1/completions; here the checkpoint's chat template formats "
            "the messages",
        )
    if decoder.fan_out_field and isinstance(request, ResponsesRequest) and request.tools:
        raise InvalidRequest(
            "tools",
            f'tools on /v1/responses cannot be used with "{decoder.strategy}"; use "greedy", or '
            "/v1/chat/completions",
        )
    check_logprobs_limit(decoder, raw_request)
    if isinstance(decoder, SampledDecoder) and decoder.models:
        check_models(decoder.models, adapters(raw_request.app.state))
    return decoder


def given_fields(request: AnyRequest) -> Json:
    """The fields that the client itself sent."""
    return {
        name: getattr(request, name)
        if not hasattr(getattr(request, name), "model_dump")
        else getattr(request, name).model_dump(by_alias=True)
        for name in request.model_fields_set
        if name != FIELD
    }


def check_leave(decoder: Decoder, caller: Caller) -> None:
    """Check that the request's key may use the decoder.

    Raises:
        Refused: it may not.
    """
    allowed = None if caller.key is None else caller.key.decoders
    if allowed is not None and decoder.strategy not in allowed:
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"the key {caller.name} may use the strategies {', '.join(allowed)}, got "
            f"{shown(decoder.strategy)}",
            f"{FIELD}.strategy",
        )


def check_models(models: Sequence[str], served: Container[str]) -> None:
    for model in models:
        if model not in served:
            raise InvalidRequest(
                f"{FIELD}.models",
                f"models must name models that are served, got {shown(model)}; /v1/models lists "
                "them",
            )


def check_logprobs_limit(decoder: Decoder, raw_request: Request) -> None:
    limit = raw_request.app.state.vllm_config.model_config.max_logprobs
    if limit != -1 and decoder.num_logprobs > limit:
        name = decoder.logprobs_field
        raise InvalidRequest(
            f"{FIELD}.{name}",
            f"{name} {shown(getattr(decoder, name))} needs {decoder.num_logprobs} "
            f"log-probabilities a token; the server's --max-logprobs is {limit}",
        )


@cancellable
async def decode_chat(
    request: ChatCompletionRequest, raw_request: Request, decoder: Decoder
) -> Response:
    serving = raw_request.app.state.openai_serving_chat
    prompt = kept_prompt(request, raw_request)
    finding = await take_question(request, raw_request, decoder)
    if finding is not None and finding.notes:
        add_notes(request, finding.notes)
    dialogue = chat_dialogue(request, serving) if decoder.question_field else None
    run = Run(raw_request, decoder, serving, dialogue, finding, prompt)
    return await run.reply(await run.serving.create_chat_completion(request, raw_request))


@cancellable
async def decode_completion(
    request: CompletionRequest, raw_request: Request, decoder: Decoder
) -> Response:
    serving = raw_request.app.state.openai_serving_completion
    prompt = kept_prompt(request, raw_request)
    finding = await take_question(request, raw_request, decoder)
    notes = finding.notes if finding is not None else ""
    dialogue = completion_dialogue(request, serving, decoder.prompt_template, notes)
    run = Run(raw_request, decoder, serving, dialogue, finding, prompt)
    return await run.reply(await run.serving.create_completion(request, raw_request))


@cancellable
async def decode_response(
    request: ResponsesRequest, raw_request: Request, decoder: Decoder
) -> Response:
    serving = raw_request.app.state.openai_serving_responses
    instructions = request.instructions
    prompt = kept_prompt(request, raw_request)
    finding = await take_question(request, raw_request, decoder)
    if finding is not None and finding.notes:
        add_notes(request, finding.notes)
    dialogue = response_dialogue(request, serving) if decoder.question_field else None
    run = Run(raw_request, decoder, serving, dialogue, finding, prompt)
    result = await run.serving.create_responses(request, raw_request)
    if isinstance(result, ResponsesResponse):
        result.instructions = instructions  # as the client gave them, without what was found
        run.amend_response(result)
    elif not isinstance(result, ErrorResponse):
        result = run.response_events(result, instructions)
    return await run.reply(result)


QUESTION_RULES: Mapping[type[AnyRequest], str] = {
    ChatCompletionRequest: "messages must hold a user message with a text",
    CompletionRequest: "prompt must be one text",
    ResponsesRequest: "input must hold a user message with a text, without previous_response_id",
}


async def take_question(
    request: AnyRequest, raw_request: Request, decoder: Decoder
) -> Finding | None:
    """What the decoder's collection has on the question; None where it asks for no retrieval.

    Raises:
        InvalidRequest: the decoder needs a question in words, and there is none.
        CollectionError: the collection cannot be searched.
    """
    name = decoder.question_field
    if name is None:
        return None
    question = question_of(request)
    if question is None:
        raise InvalidRequest(
            f"{FIELD}.{name}",
            f"{name} {shown(decoder.parameters().get(name, decoder.strategy))} needs a question "
            f"in words: {QUESTION_RULES[type(request)]}",
        )
    if decoder.retrieval is None:
        return None
    state = raw_request.app.state
    tenant = caller_of(raw_request).tenant
    retriever = TenantRetriever(lambda: state.winnow_library.library, tenant)
    async with deadline_of(raw_request).limit("nothing was retrieved"):
        return await find(
            retriever,
            decoder.retrieval,
            question,
            state.engine_client,
            said=said_in(request),
            max_tokens=_max_tokens(request),
            stands_alone=stands_alone(request),
        )


def kept_prompt(request: AnyRequest, raw_request: Request) -> str | None:
    """The question for the log of replies, where the operator has it kept."""
    settings: Settings = raw_request.app.state.winnow_settings
    return question_of(request) if settings.log_prompts else None


def _max_tokens(request: AnyRequest) -> int:
    """What the reply may take, where the request says so."""
    names = ("max_completion_tokens", "max_output_tokens", "max_tokens")
    return next((n for name in names if (n := getattr(request, name, None)) is not None), 0)
