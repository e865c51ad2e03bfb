"""The spans of a request, in memory: what a server does not come to by itself."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from decoding.decoder import Outcome
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.engine import DecodedText, PathAborted, Sampling
from decoding.path import Path
from decoding.report import Candidate, Report
from server.engine_work import EngineWork

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from vllm.v1.engine.async_llm import AsyncLLM

    from server.vllm_adapter.tracing import RequestTrace

pytestmark = pytest.mark.vllm
WORK = EngineWork(num_computed=40, num_reused=160, queue_s=None)
LONG = "word " * 1000


@pytest.fixture
def exporter(vllm_environment: None) -> "InMemorySpanExporter":
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    return InMemorySpanExporter()


@pytest.fixture
def trace(exporter: "InMemorySpanExporter") -> "RequestTrace":
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    from server.vllm_adapter.tracing import RequestTrace

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return RequestTrace(provider.get_tracer("test"), CoTDecoding(k=2), "r", "m", None, 1)


def spans(exporter: "InMemorySpanExporter", name: str) -> "list[ReadableSpan]":
    return [span for span in exporter.get_finished_spans() if span.name == name]


def run_path(trace: "RequestTrace", branch: int, finish_reason: str | None) -> None:
    from server.vllm_adapter.call import Call

    call = Call(f"r-path{branch}", finish_reason=finish_reason)
    trace.begin(call, Sampling(max_tokens=5, branch=branch))
    trace.leave(call)


async def failing(failure: Exception) -> Outcome:
    raise failure


async def finish(trace: "RequestTrace", running: "asyncio.Task[Outcome]") -> None:
    await asyncio.wait([running])
    trace.end(running, WORK)


async def test_request_that_failed_ends_every_span(
    trace: "RequestTrace", exporter: "InMemorySpanExporter"
) -> None:
    run_path(trace, 0, "stop")
    run_path(trace, 1, None)
    await finish(trace, asyncio.create_task(failing(PathAborted("what was asked"))))
    (request,) = spans(exporter, "winnow.request")
    assert not request.status.is_ok
    assert request.attributes is not None
    assert request.attributes["error.type"] == "PathAborted"
    assert request.attributes["winnow.prompt_tokens.reused"] == 160
    assert [path.status.is_ok for path in spans(exporter, "winnow.path")] == [True, False]
    assert "what was asked" not in request.to_json(), "an exception may quote the prompt"


async def test_branch_that_its_forced_token_ended_has_a_span_and_long_answers_are_cut(
    trace: "RequestTrace", exporter: "InMemorySpanExporter"
) -> None:
    run_path(trace, 1, "stop")
    fields = {"confidence": None, "weight": 0.0, "num_tokens": 1, "finish_reason": "stop"}
    report = Report(
        strategy="cot_decoding",
        parameters={},
        selected=1,
        answer=LONG,
        confidence=None,
        agreement=None,
        fallback=None,
        num_tokens=2,
        candidates=(
            Candidate(answer=None, branch=0, dropped="empty", **fields),
            Candidate(answer=LONG, branch=1, **fields),
        ),
        phases_ms={},
    )
    path = Path((1,), (), DecodedText(LONG, (len(LONG),)), "stop", branch=1)

    async def succeed() -> Outcome:
        return Outcome(path, report)

    await finish(trace, asyncio.create_task(succeed()))
    told = {p.attributes["winnow.branch"]: p.attributes for p in spans(exporter, "winnow.path")}
    assert told[0]["winnow.outcome"] == "empty"
    assert told[1]["winnow.outcome"] == "stood"
    (request,) = spans(exporter, "winnow.request")
    assert request.attributes["winnow.num_paths"] == 2
    for attributes in (told[1], request.attributes):
        assert len(attributes["winnow.answer"]) == 256
        assert attributes["winnow.answer"].endswith("…")


async def test_without_the_option_there_is_no_trace(pocket_llm: "AsyncLLM") -> None:
    from server.vllm_adapter.tracing import trace_request

    assert trace_request(pocket_llm, CoTDecoding(k=2), "r", {"trace_headers": None}, 1) is None
