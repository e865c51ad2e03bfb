"""One request on its way through a decoder, and its reply with the report."""

import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionResponse
from vllm.entrypoints.openai.completion.protocol import CompletionResponse
from vllm.entrypoints.openai.responses.protocol import ResponsesResponse
from vllm.entrypoints.serve.engine.protocol import ErrorResponse

from decoding.decoder import Decoder, Outcome
from decoding.engine import PathAborted, UnaskableQuestion
from decoding.report import Report
from decoding.retrieval import Memory
from server.collections.memory import Rememberer, SolvedProblem, memory_of
from server.collections.quota import quota_of
from server.gate.caller import caller_of
from server.metrics import server_metrics
from server.replies.ledger import Ledger
from server.replies.log import LoggedReply
from server.settings import Settings
from server.sse import ProgressStream, amend_ends
from server.vllm_adapter.client import DecodingClient, with_decoder
from server.vllm_adapter.deadline import STREAMED_CODE, deadline_of
from server.vllm_adapter.dialogue import Dialogue
from server.vllm_adapter.finding import Finding
from server.vllm_adapter.models import adapters
from server.vllm_adapter.reply_json import json_response
from server.vllm_adapter.response_events import (
    LAST_EVENTS,
    ended_rightly,
    error_event,
    failed_event,
    sse,
)
from server.wire import FIELD

Json = dict[str, Any]  # a reply on its way out
OVERRIDDEN = "winnow_overridden"
"""A request's state has here what its decoder does not follow of its sampling fields."""
HEADER = "X-Winnow-Overridden"
"""Of the reply: the names of those fields."""


class Run:
    """One request on its way through a decoder: vLLM's serving object, and the report added."""

    def __init__(
        self,
        raw_request: Request,
        decoder: Decoder,
        serving: Any,
        dialogue: Dialogue | None,
        finding: Finding | None,
        prompt: str | None,
    ) -> None:
        state = raw_request.app.state
        self._state, self._decoder, self._finding = state, decoder, finding
        self._prompt = prompt
        self._report: Report | None = None
        spent_s = sum(finding.phases_ms.values()) / 1000 if finding is not None else 0.0
        self._began = time.perf_counter() - spent_s
        caller = caller_of(raw_request)
        self._tenant = caller.tenant
        self._settings: Settings = state.winnow_settings
        self._overridden: Json = getattr(raw_request.state, OVERRIDDEN, {})
        self._max_stored_bytes = quota_of(caller, self._settings)
        has_comments = decoder.progress
        if has_comments is None:
            has_comments = self._settings.progress_comments
        self._progress = ProgressStream(self._settings.keep_alive_s if has_comments else None)
        self.client = DecodingClient(
            state.engine_client,
            decoder,
            self._progress.on_progress,
            adapters(state),
            dialogue,
            time.time_ns() - round(spent_s * 1e9),
            deadline_of(raw_request),
        )
        # Any: three serving classes share `create_…` only by convention.
        self.serving: Any = with_decoder(serving, self.client)
        assert isinstance(serving, GenerateBaseServing)

    async def reply(self, result: Any) -> Response:  # what the three `create_…` methods return
        if isinstance(result, ErrorResponse):
            return JSONResponse(result.model_dump(), status_code=result.error.code)
        headers = {HEADER: ", ".join(self._overridden)} if self._overridden else None
        if isinstance(result, AsyncGenerator):
            chunks = amend_ends(result, self._is_complete, self.announce, self.amend)
            merged = self._progress.merge(chunks)
            return StreamingResponse(merged, headers=headers, media_type="text/event-stream")
        if not isinstance(result, ResponsesResponse):
            self.amend_choices(result)
        return await json_response(result, headers)

    def _is_complete(self) -> bool:
        return self.client.outcome is not None

    def announce(self, content: Json) -> None:
        """Put the report on a stream's first chunk."""
        if (report := self._report_of(content["id"])) is not None:
            content[FIELD] = report.model_dump(mode="json")

    def amend(self, content: Json) -> None:
        """Put the report beside `choices`, and count in `usage` every token that was generated and
        the prompts of the decoder's own questions."""
        report = self._finish(content["id"], content["model"])
        if report is None:
            return
        content[FIELD] = report.model_dump(mode="json")
        if usage := content.get("usage"):
            usage["prompt_tokens"] += self.client.num_aside_prompt_tokens
            usage["completion_tokens"] = report.num_tokens
            usage["total_tokens"] = usage["prompt_tokens"] + report.num_tokens

    def amend_choices(self, reply: ChatCompletionResponse | CompletionResponse) -> None:
        """Amend a reply that comes whole, as `amend` does a streamed one."""
        report = self._finish(reply.id, reply.model)
        if report is None:
            return
        setattr(reply, FIELD, report.model_dump(mode="json"))  # vLLM's models take extras
        reply.usage.prompt_tokens += self.client.num_aside_prompt_tokens
        reply.usage.completion_tokens = report.num_tokens
        reply.usage.total_tokens = reply.usage.prompt_tokens + report.num_tokens

    def amend_response(self, response: ResponsesResponse) -> None:
        report = self._finish(response.id, response.model)
        if report is None:
            return
        setattr(response, FIELD, report.model_dump(mode="json"))  # vLLM's models take extras
        if response.usage is not None:
            response.usage.input_tokens += self.client.num_aside_prompt_tokens
            response.usage.output_tokens = report.num_tokens
            response.usage.total_tokens = response.usage.input_tokens + report.num_tokens

    def _finish(self, reply_id: str, model: str) -> Report | None:
        """The report of the reply with this id, counted and kept in the log."""
        outcome, work = self.client.outcome, self.client.work
        if outcome is None or work is None:
            return None
        ended = time.perf_counter()
        first_output_at = self.client.first_output_at or ended
        server_metrics().count(
            model, outcome.report, ended - self._began, first_output_at - self._began, work
        )
        self._keep(reply_id, model, outcome.report, ended - self._began)
        return self._report_of(reply_id)

    def _report_of(self, reply_id: str) -> Report | None:
        """The report, once there is an outcome. Its collection may remember the reply."""
        outcome = self.client.outcome
        if outcome is None or self._report is not None:
            return self._report
        report = outcome.report.model_copy(update={"overridden": self._overridden or None})
        if self._finding is not None:
            report = self._finding.added_to(report, self._remember(reply_id, outcome))
        self._report = report
        return report

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
                prompt=self._prompt,
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
            name = finding.retrieved.collection
            rememberer.remember(self._tenant, name, solved, self._max_stored_bytes)
        return memory

    async def response_events(
        self, events: AsyncGenerator[Any, None], instructions: str | None
    ) -> AsyncGenerator[str, None]:
        """Responses events as SSE, with the client's own instructions; the report rides on
        `response.completed` or `response.incomplete`. What goes wrong on the way, when the status
        has been sent, is an `error` event."""
        num_events = 0
        try:
            async for event in events:
                event = ended_rightly(event)
                if (response := getattr(event, "response", None)) is not None:
                    response.instructions = instructions
                if isinstance(event, LAST_EVENTS):
                    self.amend_response(event.response)
                yield await sse(event)
                num_events += 1
        except UnaskableQuestion as failure:
            param = f"{FIELD}.prompting"
            yield await sse(error_event("invalid_prompt", str(failure), param, num_events))
        except PathAborted as failure:
            message = f"{failure}; try again"
            yield await sse(error_event("server_error", message, None, num_events))
        except Exception as failure:
            if (passed := self.client.deadline_passed) is not None:
                # vLLM's own conversion of it fails: what is raised here says nothing.
                yield await sse(error_event(STREAMED_CODE, str(passed), None, num_events))
            else:
                yield await sse(failed_event(failure, num_events))
