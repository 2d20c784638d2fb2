"""``shared.observability.tracing.Tracer`` with OpenTelemetry, imported only where the operator asks for traces.

What differs by operator comes from OpenTelemetry's own environment variables: where spans go, under which name, which
are kept (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).

The provider is not made the global one: what Google's clients would tell of themselves stays untold.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.observability.logs import current_trace, trace_source
from shared.observability.tracing import Attributes, Kind

SECONDS = "2"  # for one export, where OTEL_EXPORTER_OTLP_TIMEOUT says nothing: a visitor waits for it
SILENCE = 30.0  # seconds without exports after one that failed
MAX_WAITING = 2048  # spans; the oldest go first
log = logging.getLogger(__name__)


def exporter(name: str) -> SpanExporter:
    """``console`` (standard output, one JSON object a line) or ``otlp`` (OTLP over HTTP, protobuf).

    Raises what the credential provider does that ``OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER`` may name.
    """
    if name == "console":
        return ConsoleSpanExporter(formatter=lambda span: span.to_json(indent=None) + "\n")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", SECONDS)
    return OTLPSpanExporter()


class OpenTelemetry:
    """Makes the spans of one process and sends them to an exporter."""

    def __init__(self, to: SpanExporter) -> None:
        self._waiting = Waiting(to)
        provider = TracerProvider(id_generator=LogIds())
        provider.add_span_processor(self._waiting)
        self._tracer = provider.get_tracer("onestop")

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Attributes) -> Iterator[None]:
        around = get_current_span().get_span_context()
        parent = None
        if f"{around.trace_id:032x}" != current_trace():  # entered from elsewhere: a request, a push, a late mail
            parent = TraceContextTextMapPropagator().extract({"traceparent": trace_source()}, Context())
        try:
            with self._tracer.start_as_current_span(
                name, parent, SpanKind[kind.upper()], attributes, record_exception=False, set_status_on_exception=False
            ) as span:
                try:
                    yield
                except Exception as error:
                    span.set_attribute("error.type", type(error).__qualname__)  # its text may hold an address
                    span.set_status(StatusCode.ERROR)
                    raise
        finally:
            if not around.is_valid:
                self._waiting.force_flush()

    def describe(self, attributes: Attributes, name: str = "", failed: bool = False) -> None:
        span = get_current_span()
        span.set_attributes(attributes)
        if name:
            span.update_name(name)
        if failed:
            span.set_status(StatusCode.ERROR)

    def outgoing(self) -> str:
        here = get_current_span().get_span_context()
        trace = current_trace()
        if f"{here.trace_id:032x}" != trace:
            return trace
        return f"00-{trace}-{here.span_id:016x}-{here.trace_flags:02x}"


class LogIds(RandomIdGenerator):
    """A trace that begins here has the id that the log has."""

    def generate_trace_id(self) -> int:
        """128 bits, those of ``current_trace``."""
        return int(current_trace(), 16)


class Waiting(SpanProcessor):
    """Spans that have ended, sent together before the answer by whoever has finished the outermost.

    On Cloud Run the processor stops after the answer, and with it the thread of OpenTelemetry's own batch processor;
    that one's flush also sends, for one visitor, whatever others add meanwhile. Here a request waits for one call,
    or two where another's is under way. Where a call fails, its spans are lost and no other is made for a while: a
    collector's outage must not hold up everybody.
    """

    def __init__(self, to: SpanExporter) -> None:
        self._to = to
        self._spans: deque[ReadableSpan] = deque(maxlen=MAX_WAITING)
        self._sending = Lock()  # an exporter is not called by two at once
        self._silent_until = float("-inf")

    def on_end(self, span: ReadableSpan) -> None:
        """The oldest of ``MAX_WAITING`` makes way."""
        self._spans.append(span)

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """False where they were not sent; ``timeout_millis`` is the exporter's own affair."""
        with self._sending:
            spans = [self._spans.popleft() for _ in range(len(self._spans))]
            if not spans or time.monotonic() < self._silent_until:
                return not spans
            try:
                done = self._to.export(spans) is SpanExportResult.SUCCESS
            except Exception:
                log.exception("spans not sent")
                done = False
            if not done:
                self._silent_until = time.monotonic() + SILENCE
            return done

    def shutdown(self) -> None:
        """Send what waits."""
        self.force_flush()
        self._to.shutdown()
