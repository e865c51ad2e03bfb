"""The routes that take `decoding`. Without it they are vLLM's own functions."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping, Sequence
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai.types.responses import ResponseErrorEvent
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.entrypoints.openai.chat_completion import api_router as vllm_chat
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion import api_router as vllm_completion
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.responses import api_router as vllm_responses
from vllm.entrypoints.openai.responses.protocol import (
    ResponseCompletedEvent,
    ResponsesRequest,
    ResponsesResponse,
)
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import (
    load_aware_call,
    validate_json_request,
    with_cancellation,
)

from decoding.decoder import Decoder, Outcome
from decoding.engine import PathAborted, UnaskableQuestion
from decoding.report import Report
from decoding.retrieval import Memory
from decoding.sampled import SampledDecoder
from decoding.verifier import Verifiers
from server.collections.library import TenantRetriever
from server.collections.memory import Rememberer, SolvedProblem, memory_of
from server.collections.tenancy import tenant_of
from server.compatibility import refuse_contradictions
from server.errors import InvalidRequest, shown
from server.metrics import server_metrics
from server.replies.ledger import Ledger
from server.replies.log import LoggedReply
from server.settings import Settings
from server.sse import ProgressStream, amend_last_chunk
from server.vllm_adapter.client import DecodingClient, with_decoder
from server.vllm_adapter.dialogue import (
    Dialogue,
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
from server.wire import FIELD, choose_decoder, is_wrapped, split_alias

AnyRequest = ChatCompletionRequest | CompletionRequest | ResponsesRequest
Json = dict[str, Any]  # a reply on its way out
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])

logger = logging.getLogger(__name__)
router = APIRouter(dependencies=[Depends(validate_json_request)])


@router.post("/v1/chat/completions")
async def create_chat_completion(request: ChatCompletionRequest, raw_request: Request) -> Response:
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        return cast(Response, await vllm_chat.create_chat_completion(request, raw_request))
    return await decode_chat(request, raw_request, decoder)


@router.post("/v1/completions")
async def create_completion(request: CompletionRequest, raw_request: Request) -> Response:
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        return cast(Response, await vllm_completion.create_completion(request, raw_request))
    return await decode_completion(request, raw_request, decoder)


@router.post("/v1/responses")
async def create_response(request: ResponsesRequest, raw_request: Request) -> Response:
    decoder = await take_decoder(request, raw_request)
    if decoder is None:
        return cast(Response, await vllm_responses.create_responses(request, raw_request))
    return await decode_response(request, raw_request, decoder)


def cancellable(handler: Handler) -> Handler:
    """Cancel the handler when its client leaves, and count it in the server's load."""
    counted = load_aware_call(handler)  # type: ignore[no-untyped-call]  # vLLM leaves it untyped
    return cast(Handler, with_cancellation(counted))  # type: ignore[no-untyped-call]  # likewise


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
    if alias is None and FIELD not in extra:
        return None
    settings: Settings = raw_request.app.state.winnow_settings
    value = extra.get(FIELD, {} if alias else None)
    if value is None:
        raise InvalidRequest(FIELD, "decoding must be an object, got null; leave it out instead")
    raw_request.state.winnow_is_wrapped = is_wrapped(value)
    given = given_fields(request)
    verifiers: Verifiers = raw_request.app.state.winnow_verifiers
    decoder = choose_decoder(value, alias, settings.max_paths, given, verifiers)
    assert decoder is not None
    refuse_contradictions(decoder, given)
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
    finding = await take_question(request, raw_request, decoder)
    if finding is not None and finding.notes:
        add_notes(request, finding.notes)
    dialogue = chat_dialogue(request, serving) if decoder.question_field else None
    run = Run(raw_request, decoder, serving, dialogue, finding)
    return run.reply(await run.serving.create_chat_completion(request, raw_request))


@cancellable
async def decode_completion(
    request: CompletionRequest, raw_request: Request, decoder: Decoder
) -> Response:
    serving = raw_request.app.state.openai_serving_completion
    finding = await take_question(request, raw_request, decoder)
    notes = finding.notes if finding is not None else ""
    dialogue = completion_dialogue(request, serving, decoder.prompt_template, notes)
    run = Run(raw_request, decoder, serving, dialogue, finding)
    return run.reply(await run.serving.create_completion(request, raw_request))


@cancellable
async def decode_response(
    request: ResponsesRequest, raw_request: Request, decoder: Decoder
) -> Response:
    serving = raw_request.app.state.openai_serving_responses
    instructions = request.instructions
    finding = await take_question(request, raw_request, decoder)
    if finding is not None and finding.notes:
        add_notes(request, finding.notes)
    dialogue = response_dialogue(request, serving) if decoder.question_field else None
    run = Run(raw_request, decoder, serving, dialogue, finding)
    result = await run.serving.create_responses(request, raw_request)
    if isinstance(result, ResponsesResponse):
        result.instructions = instructions  # as the client gave them, without what was found
        run.amend_response(result)
    elif not isinstance(result, ErrorResponse):
        result = run.response_events(result, instructions)
    return run.reply(result)


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
    tenant = tenant_of(raw_request.headers.get("authorization"))
    retriever = TenantRetriever(lambda: state.winnow_library.library, tenant)
    return await find(
        retriever,
        decoder.retrieval,
        question,
        state.engine_client,
        said=said_in(request),
        max_tokens=_max_tokens(request),
        stands_alone=stands_alone(request),
    )


def _max_tokens(request: AnyRequest) -> int:
    """What the reply may take, where the request says so."""
    names = ("max_completion_tokens", "max_output_tokens", "max_tokens")
    return next((n for name in names if (n := getattr(request, name, None)) is not None), 0)


class Run:
    """One request on its way through a decoder: vLLM's serving object, and the report added."""

    def __init__(
        self,
        raw_request: Request,
        decoder: Decoder,
        serving: Any,
        dialogue: Dialogue | None,
        finding: Finding | None,
    ) -> None:
        state = raw_request.app.state
        self._state, self._decoder, self._finding = state, decoder, finding
        spent_s = sum(finding.phases_ms.values()) / 1000 if finding is not None else 0.0
        self._began = time.perf_counter() - spent_s
        self._tenant = tenant_of(raw_request.headers.get("authorization"))
        self._settings: Settings = state.winnow_settings
        self._progress = ProgressStream(self._settings.keep_alive_s)
        self.client = DecodingClient(
            state.engine_client,
            decoder,
            self._progress.on_progress,
            adapters(state),
            dialogue,
        )
        # Any: three serving classes share `create_…` only by convention.
        self.serving: Any = with_decoder(serving, self.client)
        assert isinstance(serving, GenerateBaseServing)

    def reply(self, result: Any) -> Response:  # what the three `create_…` methods return
        if isinstance(result, ErrorResponse):
            return JSONResponse(result.model_dump(), status_code=result.error.code)
        if isinstance(result, AsyncGenerator):
            chunks = amend_last_chunk(result, self._is_complete, self.amend)
            merged = self._progress.merge(chunks)
            return StreamingResponse(merged, media_type="text/event-stream")
        content = result.model_dump(mode="json", by_alias=True)
        if not isinstance(result, ResponsesResponse):
            self.amend(content)
        return JSONResponse(content)

    def _is_complete(self) -> bool:
        return self.client.outcome is not None

    def amend(self, content: Json) -> None:
        """Put the report beside `choices` and count every token in `usage`."""
        report = self._finish(content["id"], content["model"])
        if report is None:
            return
        content[FIELD] = report.model_dump(mode="json")
        if usage := content.get("usage"):
            usage["completion_tokens"] = report.num_tokens
            usage["total_tokens"] = usage["prompt_tokens"] + report.num_tokens

    def amend_response(self, response: ResponsesResponse) -> None:
        report = self._finish(response.id, response.model)
        if report is None:
            return
        setattr(response, FIELD, report.model_dump(mode="json"))  # vLLM's models take extras
        if response.usage is not None:
            response.usage.output_tokens = report.num_tokens
            response.usage.total_tokens = response.usage.input_tokens + report.num_tokens

    def _finish(self, reply_id: str, model: str) -> Report | None:
        """The report of the reply with this id, counted; its collection may remember the reply."""
        outcome = self.client.outcome
        if outcome is None:
            return None
        ended = time.perf_counter()
        first_output_at = self.client.first_output_at or ended
        server_metrics().count(
            model, outcome.report, ended - self._began, first_output_at - self._began
        )
        self._keep(reply_id, model, outcome.report, ended - self._began)
        if self._finding is None:
            return outcome.report
        return self._finding.added_to(outcome.report, self._remember(reply_id, outcome))

    def _keep(self, reply_id: str, model: str, report: Report, seconds: float) -> None:
        ledger: Ledger = self._state.winnow_ledger
        ledger.keep(
            LoggedReply(
                id=reply_id,
                tenant=self._tenant,
                model=model,
                strategy=report.strategy,
                answer=report.answer,
                confidence=report.confidence,
                agreement=report.agreement,
                fallback=report.fallback,
                num_tokens=report.num_tokens,
                seconds=seconds,
                is_right=report.is_right,
                created_at=time.time(),
            )
        )

    def _remember(self, reply_id: str, outcome: Outcome) -> Memory | None:
        finding, report = self._finding, outcome.report
        assert finding is not None, "what is remembered belongs to a collection"
        if not finding.is_remembering:
            return None
        memory = memory_of(self._decoder, report, self._settings)
        if memory is not None:
            solved = SolvedProblem(
                reply_id, finding.question, outcome.winner.text, report.answer or "", memory
            )
            rememberer: Rememberer = self._state.winnow_rememberer
            rememberer.remember(self._tenant, finding.retrieved.collection, solved)
        return memory

    async def response_events(
        self, events: AsyncGenerator[Any, None], instructions: str | None
    ) -> AsyncGenerator[str, None]:
        """Responses events as SSE, with the client's own instructions; the report rides on
        `response.completed`. What goes wrong on the way, when the status has been sent, is an
        `error` event."""
        num_events = 0
        try:
            async for event in events:
                if (response := getattr(event, "response", None)) is not None:
                    response.instructions = instructions
                if isinstance(event, ResponseCompletedEvent):
                    self.amend_response(event.response)
                yield _sse(event)
                num_events += 1
        except UnaskableQuestion as failure:
            param = f"{FIELD}.prompting"
            yield _sse(_error_event("invalid_prompt", str(failure), param, num_events))
        except PathAborted as failure:
            message = f"{failure}; try again"
            yield _sse(_error_event("server_error", message, None, num_events))
        except Exception:
            logger.exception("a streamed response failed")
            message = "the server failed; its log says why"
            yield _sse(_error_event("server_error", message, None, num_events))


def _sse(event: Any) -> str:  # any of OpenAI's and vLLM's event models
    body = event.model_dump_json(by_alias=True)
    return f"event: {getattr(event, 'type', 'unknown')}\ndata: {body}\n\n"


def _error_event(code: str, message: str, param: str | None, number: int) -> ResponseErrorEvent:
    return ResponseErrorEvent(
        type="error", code=code, message=message, param=param, sequence_number=number
    )
