"""One tree of spans from the visitor's request to the mail, with nothing about a person in it; and nothing when off."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from functions.notification.deliveries.service import Deliveries
from functions.notification.handlers import intake
from shared.adapters import otel
from shared.contracts.bus_events import message, outbox_row
from shared.contracts.clock import Tick
from shared.contracts.registration import RegistrationConfirmed
from shared.observability import tracing
from shared.observability.logs import JsonFormatter, enter_trace
from shared.outbox import RelayingStore
from shared.ports import Message, TransientMailError
from shared.settings import BadSettings, from_environment
from shared.web.site import Site
from tests.functions.browser import Browser, platform
from tests.payloads import common

ROOT = Path(__file__).parents[2]
VISITOR = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE, VISITORS_SPAN = VISITOR.split("-")[1:3]


class Paths:
    """Registration's web and notification's events on one store; the bus keeps what it gets, the mailer logs."""

    def __init__(self, folder: Path) -> None:
        self.published: list[Message] = []
        self.mail_trouble: Exception | None = None
        self.logged: list[str] = []  # trace ids
        made = platform(folder)
        self.clock: Any = made.clock
        self.site = Site(replace(made, store=RelayingStore(made.store, self)), folder)
        self.site.route("/join/<token>", "POST", api=True)(self._join)
        here = replace(made, mailer=self)
        deliveries = Deliveries(made.store, self, made.clock, "onestop <noreply@onestop.test>")
        app, take = Flask("push"), intake(here, deliveries)
        app.add_url_rule("/", view_func=lambda: take(request), methods=["POST"])
        self._app = app

    def _join(self, visit: Any, token: str) -> Any:
        self.log()
        confirmed = RegistrationConfirmed(**common(), sequence=0)
        visit.platform.store.commit([outbox_row("registration", confirmed, self.clock.now(), "event-1")])
        return visit.json({})

    def log(self) -> None:
        entry = json.loads(JsonFormatter().format(logging.LogRecord("x", 20, "", 0, "", (), None)))
        self.logged.append(entry["logging.googleapis.com/trace"])

    def publish(self, messages: Sequence[Message]) -> None:
        self.published += messages

    def send(self, message: bytes, sender: str, recipient: str) -> str:
        self.log()
        if self.mail_trouble:
            raise self.mail_trouble
        return "fake"

    def push(self, message: Message) -> None:
        told = {"data": base64.b64encode(message.data).decode(), "attributes": message.attributes, "messageId": "1"}
        body = {"message": told, "subscription": "projects/p/subscriptions/notification-registrations"}
        assert self._app.test_client().post("/", json=body | {"deliveryAttempt": 1}).status_code == 204

    def later_tick(self) -> None:
        self.clock.forward(hours=1)
        enter_trace()  # the clock's own
        self.push(message("tick", outbox_row("clock", Tick(), self.clock.now(), "tick").data))


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    return Paths(tmp_path)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.use(otel.OpenTelemetry(exporter))
    yield exporter
    tracing.use(None)


def drawn(spans: Sequence[ReadableSpan]) -> dict[str, str]:
    """Span -> parent, by name; a parent that is none of these by its id."""
    names = {f"{span.context.span_id:016x}": span.name for span in spans}
    parents = {span.name: f"{span.parent.span_id:016x}" if span.parent else "" for span in spans}
    return {name: names.get(parent, parent) for name, parent in parents.items()}


def traces(spans: Sequence[ReadableSpan]) -> list[str]:
    return [f"{span.context.trace_id:032x}" for span in spans]


def test_one_tree_from_the_request_to_the_mail(paths: Paths, exporter: InMemorySpanExporter) -> None:
    Browser(paths.site).post("/join/secret-of-amina@example.org", headers={"traceparent": VISITOR})
    paths.push(paths.published[0])
    spans = exporter.get_finished_spans()
    joined = "POST /join/<token>"
    assert drawn(spans) == {
        joined: VISITORS_SPAN,
        "commit": joined,
        "publish": joined,
        "process registration.confirmed": joined,
        "send mail": "process registration.confirmed",
    }
    assert set(traces(spans)) == {TRACE} == set(paths.logged)
    told = "".join(span.to_json() for span in spans)
    assert "notification-registrations" in told
    assert not [word for word in ("amina", "Amina", "Diallo", "secret", "@") if word in told]


def test_a_mail_put_off_is_sent_in_the_trace_of_its_request(paths: Paths, exporter: InMemorySpanExporter) -> None:
    Browser(paths.site).post("/join/x", headers={"traceparent": VISITOR})
    paths.mail_trouble = TransientMailError("451 amina@example.org is full")
    paths.push(paths.published[0])
    (failed,) = [span for span in exporter.get_finished_spans() if span.name == "send mail"]
    assert (failed.status.is_ok, failed.attributes and failed.attributes["error.type"]) == (False, "TransientMailError")
    assert "amina" not in failed.to_json()

    exporter.clear()
    paths.mail_trouble = None
    paths.later_tick()
    sent, tick = exporter.get_finished_spans()
    (event,) = paths.published
    assert (sent.name, traces([sent])) == ("send mail", [TRACE])
    assert sent.parent is not None
    assert f"{sent.parent.span_id:016x}" == event.attributes["trace"].split("-")[2]
    assert (tick.name, traces([tick]) == [TRACE]) == ("process clock.tick", False)
    assert paths.logged[-1] == TRACE


@pytest.mark.parametrize(
    "header", [{}, {"X-Cloud-Trace-Context": f"{TRACE}/123;o=1"}, {"traceparent": f"00-{'0' * 32}-"}]
)
def test_a_trace_that_begins_here_has_the_id_in_the_log(
    paths: Paths, exporter: InMemorySpanExporter, header: dict[str, str]
) -> None:
    Browser(paths.site).post("/join/x", headers=header)
    spans = exporter.get_finished_spans()
    assert set(traces(spans)) == set(paths.logged)
    assert drawn(spans)["POST /join/<token>"] == ""
    assert "0" * 32 not in paths.logged


def test_an_event_from_before_the_switch_goes_on_under_its_bare_id(
    paths: Paths, exporter: InMemorySpanExporter
) -> None:
    tracing.use(None)
    Browser(paths.site).post("/join/x", headers={"traceparent": VISITOR})
    assert paths.published[0].attributes["trace"] == TRACE
    tracing.use(otel.OpenTelemetry(exporter))
    paths.mail_trouble = TransientMailError("451")
    paths.push(paths.published[0])
    spans = exporter.get_finished_spans()
    assert drawn(spans) == {"process registration.confirmed": "", "send mail": "process registration.confirmed"}
    assert set(traces(spans)) == {TRACE}

    exporter.clear()
    paths.mail_trouble = None
    paths.later_tick()
    spans = exporter.get_finished_spans()
    assert drawn(spans) == {"process clock.tick": "", "send mail": ""}
    assert traces(spans)[0] == TRACE != traces(spans)[1]


def test_what_the_caller_does_not_sample_is_not_kept_but_goes_on(paths: Paths, exporter: InMemorySpanExporter) -> None:
    Browser(paths.site).post("/join/x", headers={"traceparent": VISITOR[:-1] + "0"})
    assert paths.published[0].attributes["trace"].startswith(f"00-{TRACE}-")
    paths.push(paths.published[0])
    assert exporter.get_finished_spans() == ()
    assert set(paths.logged) == {TRACE}


def test_an_answer_of_ours_that_failed_is_an_error_and_a_wrong_address_is_not(
    paths: Paths, exporter: InMemorySpanExporter
) -> None:
    def fail(visit: Any) -> Any:
        raise RuntimeError("about amina@example.org")

    paths.site.route("/fail", api=True)(fail)
    browser = Browser(paths.site)
    browser.get("/fail")
    browser.get("/api/nothing/here")
    failed, unknown = exporter.get_finished_spans()
    assert (failed.name, failed.attributes and failed.attributes["http.response.status_code"]) == ("GET /fail", 500)
    assert not failed.status.is_ok
    assert not failed.events
    assert (unknown.name, unknown.status.is_ok) == ("GET", True)


class Collector(SpanExporter):
    def __init__(self) -> None:
        self.calls: list[int] = []
        self.down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.calls.append(len(spans))
        if self.down:
            raise ConnectionError("no collector")
        return SpanExportResult.SUCCESS


def test_a_request_waits_for_one_call_and_for_none_after_one_that_failed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(otel.time, "monotonic", lambda: now)
    collector, browser = Collector(), Browser(paths.site)
    monkeypatch.setattr(tracing, "_tracer", otel.OpenTelemetry(collector))
    browser.post("/join/x")
    assert collector.calls == [3]
    collector.down = True
    for _ in range(3):
        assert browser.get("/healthz").status_code == 200
    assert collector.calls == [3, 1]
    now, collector.down = otel.SILENCE, False
    browser.get("/healthz")
    assert collector.calls == [3, 1, 1]


def test_spans_reach_a_collector_as_otlp(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[tuple[str, bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "onestop-registration-web")
        monkeypatch.setattr(tracing, "_tracer", otel.OpenTelemetry(otel.exporter("otlp")))
        Browser(paths.site).get("/healthz", headers={"traceparent": VISITOR})
        server.shutdown()
    ((path, body),) = bodies
    assert path == "/v1/traces"
    (told,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (span,) = told.scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("GET /healthz", TRACE, VISITORS_SPAN)
    assert "onestop-registration-web" in {
        a.value.string_value for a in told.resource.attributes if a.key == "service.name"
    }


SCRIPT = """
import sys
from flask import Request
from werkzeug.test import EnvironBuilder
from functions.registration.main import web
assert web(Request(EnvironBuilder("/healthz").get_environ())).status_code == 200
print("opentelemetry" in sys.modules)
"""


@pytest.mark.parametrize(("switch", "loaded"), [({}, "False"), ({"OTEL_TRACES_EXPORTER": "console"}, "True")])
def test_a_function_loads_opentelemetry_only_where_it_is_asked_for(
    tmp_path: Path, switch: dict[str, str], loaded: str
) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment = plain | {"ONESTOP_ENGINE": "embedded", "ONESTOP_DATA": str(tmp_path)} | switch
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert last == loaded
    assert [json.loads(line)["name"] for line in lines] == ["GET /healthz"] * len(switch)


def test_a_misspelt_exporter_is_named_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ONESTOP_DATA": str(tmp_path)}
    with pytest.raises(BadSettings, match=r"^OTEL_TRACES_EXPORTER is 'oltp': set it to 'otlp', 'console' or 'none'$"):
        from_environment({**given, "OTEL_TRACES_EXPORTER": "oltp"})
    assert from_environment({**given, "OTEL_TRACES_EXPORTER": "none"}).traces == ""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadSettings, match=r"OTEL_TRACES_EXPORTER.*pip install"):
        from_environment({**given, "OTEL_TRACES_EXPORTER": "otlp"})
