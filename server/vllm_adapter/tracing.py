"""OpenTelemetry spans of decoded requests, where vLLM's own option asks for them.

With `--otlp-traces-endpoint` vLLM exports a span `llm_request` of every call of its engine that
runs to its end. Around those of one request stands `winnow.request`, a child of the client's own
span where the request names one (`traceparent`), and in it a `winnow.path` for each branch, which
the branch's `llm_request` is a child of; what a decoder asks beside them is a child of the request.

Attributes have the names of OpenTelemetry's GenAI conventions, where there is one, and of vLLM's.
The answer is told, since it is what decoders decide on, and cut to MAX_ANSWER_CHARS, since in a
free-form reply it is the whole text; prompts and texts are not.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from vllm.engine.protocol import EngineClient

from decoding.decoder import Decoder, Outcome
from decoding.engine import Sampling
from decoding.report import Candidate, Report
from server.engine_work import EngineWork
from server.vllm_adapter.call import Call

MAX_ANSWER_CHARS = 256
INPUT_TOKENS = "gen_ai.usage.input_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
FINISH_REASONS = "gen_ai.response.finish_reasons"
MODEL = "gen_ai.response.model"
REQUEST_ID = "gen_ai.request.id"  # vLLM's; the conventions have none

PROPAGATOR = TraceContextTextMapPropagator()


@dataclass
class _Path:
    """The span of a branch: open until the report has told what became of it, though it says when
    vLLM was done with it."""

    span: Span
    branch: int
    call: Call
    ended_ns: int | None = None


class RequestTrace:
    """The spans of one request; `end` exports them."""

    def __init__(
        self,
        tracer: Tracer,
        decoder: Decoder,
        request_id: str,
        model: str,
        headers: Mapping[str, str] | None,
        began_ns: int,
    ) -> None:
        self._tracer = tracer
        self._strategy = decoder.strategy
        self._paths: dict[str, _Path] = {}
        self._span = tracer.start_span(
            "winnow.request",
            context=PROPAGATOR.extract(headers or {}),
            kind=SpanKind.SERVER,
            start_time=began_ns,
            attributes={
                "winnow.strategy": decoder.strategy,
                "winnow.parameters": json.dumps(decoder.parameters()),
                MODEL: model,
                REQUEST_ID: request_id,
            },
        )

    def begin(self, call: Call, sampling: Sampling) -> dict[str, str]:
        """The headers that make vLLM's span of this call a child of ours."""
        span = self._span
        if sampling.branch is not None:
            span = self._begin_path(sampling.branch, sampling.model)
            self._paths[call.id] = _Path(span, sampling.branch, call)
        headers: dict[str, str] = {}
        PROPAGATOR.inject(headers, set_span_in_context(span))
        return headers

    def leave(self, call: Call) -> None:
        """vLLM is done with it, or was told to stop."""
        if call.id in self._paths:
            self._paths[call.id].ended_ns = time.time_ns()

    def end(self, done: asyncio.Task[Outcome], work: EngineWork) -> None:
        """
        Args:
            done: the decoder's, which came to an outcome, failed or was cancelled.
        """
        self._set(
            self._span,
            {
                INPUT_TOKENS: work.num_computed + work.num_reused,
                CACHED_TOKENS: work.num_reused,
                "winnow.prompt_tokens.computed": work.num_computed,
                "winnow.prompt_tokens.reused": work.num_reused,
            },
        )
        if done.cancelled():
            self._fail("CancelledError")
        elif (failure := done.exception()) is not None:
            self._fail(type(failure).__name__)
        else:
            self._succeed(done.result())
        self._span.end()

    def _succeed(self, outcome: Outcome) -> None:
        report = outcome.report
        candidates = {c.branch: c for c in report.candidates if c.branch is not None}
        num_paths = len(candidates.keys() | {path.branch for path in self._paths.values()})
        for path in self._paths.values():
            candidate = candidates.pop(path.branch, None)
            self._set(path.span, _path_attributes(path.call, candidate))
            path.span.end(path.ended_ns)
        for branch, candidate in candidates.items():  # forced tokens ended it: vLLM had no part
            span = self._begin_path(branch, candidate.model)
            self._set(span, _candidate_attributes(candidate))
            span.end()
        self._set(self._span, _report_attributes(report, outcome.winner.finish_reason))
        self._set(self._span, {"winnow.num_paths": num_paths})

    def _fail(self, failure: str) -> None:
        for path in self._paths.values():
            self._set(path.span, _path_attributes(path.call, None))
            if path.call.finish_reason is None:
                _mark_failed(path.span, failure)
            path.span.end(path.ended_ns)
        self._set(self._span, {"winnow.num_paths": len(self._paths)})
        _mark_failed(self._span, failure)

    def _begin_path(self, branch: int, model: str | None) -> Span:
        span = self._tracer.start_span("winnow.path", set_span_in_context(self._span))
        self._set(span, {"winnow.strategy": self._strategy, "winnow.branch": branch, MODEL: model})
        return span

    @staticmethod
    def _set(span: Span, attributes: Mapping[str, AttributeValue | None]) -> None:
        """A span has no attribute for what was not measured."""
        span.set_attributes({name: v for name, v in attributes.items() if v is not None})


def trace_request(
    client: EngineClient,
    decoder: Decoder,
    request_id: str,
    options: Mapping[str, Any],  # as generate() is given them
    began_ns: int,
) -> RequestTrace | None:
    """None unless the server exports traces. `began_ns` counts from the epoch."""
    if client.vllm_config.observability_config.otlp_traces_endpoint is None:
        return None
    adapter = options.get("lora_request")
    model = client.model_config.served_model_name if adapter is None else adapter.lora_name
    headers = options.get("trace_headers")
    return RequestTrace(get_tracer("winnow"), decoder, request_id, str(model), headers, began_ns)


def _mark_failed(span: Span, failure: str) -> None:
    """Mark a span as failed by the kind of failure alone: a message may quote the request."""
    span.set_attribute("error.type", failure)
    span.set_status(StatusCode.ERROR, failure)


def _path_attributes(call: Call, candidate: Candidate | None) -> dict[str, AttributeValue | None]:
    return {
        INPUT_TOKENS: call.num_prompt_tokens or None,
        CACHED_TOKENS: call.num_cached_tokens if call.num_prompt_tokens else None,
        **(_call_attributes(call) if candidate is None else _candidate_attributes(candidate)),
    }


def _call_attributes(call: Call) -> dict[str, AttributeValue | None]:
    """The attributes of a path that is no candidate."""
    return {
        OUTPUT_TOKENS: call.num_tokens,
        FINISH_REASONS: [call.finish_reason] if call.finish_reason else None,
        "winnow.outcome": "aborted" if call.finish_reason == "abort" else None,
    }


def _candidate_attributes(candidate: Candidate) -> dict[str, AttributeValue | None]:
    return {
        OUTPUT_TOKENS: candidate.num_tokens,
        FINISH_REASONS: [candidate.finish_reason],
        "winnow.outcome": candidate.dropped or "stood",
        "winnow.answer": _cut(candidate.answer),
        "winnow.confidence": candidate.confidence,
        "winnow.weight": candidate.weight,
        "winnow.score": candidate.score,
    }


def _report_attributes(report: Report, finish_reason: str) -> dict[str, AttributeValue | None]:
    return {
        OUTPUT_TOKENS: report.num_tokens,
        FINISH_REASONS: [finish_reason],
        "winnow.has_answer": report.answer is not None,
        "winnow.answer": _cut(report.answer),
        "winnow.agreement": report.agreement,
        "winnow.confidence": report.confidence,
        "winnow.fallback": report.fallback,
        "winnow.stopped_by": report.stopped.rule if report.stopped else None,
        "winnow.is_right": report.is_right,
    }


def _cut(answer: str | None) -> str | None:
    if answer is None or len(answer) <= MAX_ANSWER_CHARS:
        return answer
    return answer[: MAX_ANSWER_CHARS - 1] + "…"
