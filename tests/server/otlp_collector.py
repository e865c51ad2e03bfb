"""A collector of OpenTelemetry's traces over gRPC, which keeps what a server exports."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.server.server_process import wait_until

EXPORT_WITHIN_S = 30.0


@dataclass(frozen=True)
class Span:
    """As it was sent; ids are hexadecimal, times nanoseconds since the epoch."""

    name: str
    trace_id: str
    id: str
    parent_id: str
    is_error: bool
    attributes: dict[str, Any]
    began_ns: int
    ended_ns: int


@dataclass
class Collector(TraceServiceServicer):
    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def Export(
        self, request: ExportTraceServiceRequest, context: object
    ) -> ExportTraceServiceResponse:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(map(_read, scope.spans))
        return ExportTraceServiceResponse()

    def named(self, name: str, **attributes: object) -> list[Span]:
        """Attributes are named as vLLM's and ours are, with `__` for a dot."""
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        spans = [span for span in list(self.spans) if span.name == name]
        return [span for span in spans if wanted.items() <= span.attributes.items()]

    def wait_for(self, name: str, **attributes: object) -> Span:
        """The only one; spans that ended before it have been sent, too."""
        wait_until(
            lambda: bool(self.named(name, **attributes)), EXPORT_WITHIN_S, f"{name} exported"
        )
        (span,) = self.named(name, **attributes)
        return span

    def children(self, parent: Span, name: str) -> list[Span]:
        return [span for span in self.named(name) if span.parent_id == parent.id]

    def trace(self, of: Span) -> list[Span]:
        return [span for span in list(self.spans) if span.trace_id == of.trace_id]


@contextmanager
def running_collector() -> Iterator[Collector]:
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    collector = Collector()
    add_TraceServiceServicer_to_server(collector, server)
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(grace=None).wait()


def _read(span: SentSpan) -> Span:
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code == Status.STATUS_CODE_ERROR,
        {attribute.key: _value(attribute.value) for attribute in span.attributes},
        span.start_time_unix_nano,
        span.end_time_unix_nano,
    )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, str(kind))
