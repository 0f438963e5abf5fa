"""Spans over the wire: what a collector is told of a request, and that one that is dead costs a request two seconds a minute and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from fanfare.adapters.otlp_traces import OtlpRecorder
from fanfare.adapters.outbox import PATIENCE_SECONDS
from fanfare.adapters.telemetry import RequestTelemetry
from fanfare.adapters.trace_scope import current_trace
from fanfare.adapters.traced_sender import TracedPushSender
from fanfare.domain.classification import Answer
from fanfare.domain.trace_context import SpanKind, TraceContext
from fanfare.domain.version import VERSION
from tests.collector import CollectedSpan, Collector
from tests.contract.adapters.scripted import SilentServer, unused_url
from tests.factories import NOW, a_tenant
from tests.fakes import FixedClock, RecordingLog, ScriptedPushSender

GIVEN = TraceContext("a" * 32, "b" * 16, is_sampled=True)


@pytest.fixture(autouse=True)
def _outside_of_a_request() -> Iterator[None]:
    yield
    current_trace.set(None)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def telemetry_to(url: str, log: RecordingLog | None = None) -> RequestTelemetry:
    recorder = OtlpRecorder(url, FixedClock(NOW))
    return RequestTelemetry(log or RecordingLog(), bytes, recorder=recorder, outboxes=[recorder.outbox])


def serve(telemetry: RequestTelemetry, given: TraceContext | None = GIVEN, status: int = 200) -> None:
    """Handle a request with one piece of work."""
    telemetry.begin("send", "POST /", given)
    with telemetry.span("chunk pass", chunk=3, tenant="acme") as span:
        span.note(sent=2, is_last=True, share=0.5)
    telemetry.end(status=status, request_id="request-1")
    telemetry.flush()


def test_a_request_and_its_work_are_one_trace(collector: Collector) -> None:
    serve(telemetry_to(collector.url))
    work, request = collector.spans
    assert (request.service, request.name, request.kind, request.parent) == ("fanfare-send", "send POST /", "server", GIVEN.span_id)
    assert (work.name, work.kind, work.parent) == ("chunk pass", "internal", request.id)
    assert {work.trace, request.trace} == {GIVEN.trace_id}
    assert request.attributes == {"http.response.status_code": 200, "fanfare.request_id": "request-1"}
    assert work.attributes == {
        "fanfare.chunk": 3,
        "fanfare.tenant": "acme",
        "fanfare.sent": 2,
        "fanfare.is_last": True,
        "fanfare.share": 0.5,
    }
    assert request.seconds >= work.seconds >= 0
    assert VERSION in collector.raw


def test_a_request_of_nobody_begins_a_trace_that_is_sampled(collector: Collector) -> None:
    telemetry = telemetry_to(collector.url + "/")
    serve(telemetry, None)
    assert [span.parent for span in collector.spans if span.kind == "server"] == [""]
    assert telemetry.headers()["traceparent"] == f"00-{collector.spans[1].trace}-{collector.spans[1].id}-01"


def test_what_its_caller_does_not_sample_is_not_sent_and_is_carried_on(collector: Collector) -> None:
    telemetry = telemetry_to(collector.url)
    serve(telemetry, TraceContext("a" * 32, "b" * 16, is_sampled=False))
    assert collector.bodies == []
    assert telemetry.headers()["traceparent"].startswith(f"00-{'a' * 32}-")
    assert telemetry.headers()["traceparent"].endswith("-00")


def test_failures_are_marked_without_their_text(collector: Collector) -> None:
    telemetry = telemetry_to(collector.url)
    telemetry.begin("send", "POST /", GIVEN)
    with pytest.raises(ValueError, match="secret"), telemetry.span("chunk pass"):
        raise ValueError("secret")
    telemetry.end(status=500)
    telemetry.flush()
    assert [(span.is_failed, span.attributes["error.type"]) for span in collector.spans] == [(True, "ValueError"), (True, "500")]
    assert "secret" not in collector.raw


def test_a_pass_over_fcm_tells_how_many_were_accepted_and_no_target(collector: Collector) -> None:
    telemetry = telemetry_to(collector.url)
    sender = TracedPushSender(ScriptedPushSender({"secret-2": Answer(404)}), telemetry)
    telemetry.begin("send", "POST /", GIVEN)
    bodies = [(str(number), b'{"message": {"token": "secret-%d"}}' % number) for number in range(3)]
    assert len([key for batch in sender.send(a_tenant(), bodies) for key, _ in batch]) == 3
    telemetry.end(status=200)
    telemetry.flush()
    fcm, request = collector.spans
    assert (fcm.name, fcm.kind, fcm.parent) == ("fcm send", SpanKind.CLIENT, request.id)
    assert (fcm.attributes["fanfare.answered"], fcm.attributes["fanfare.accepted"]) == (3, 2)
    assert "secret" not in collector.raw


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_collector_that_refuses_is_left_alone_for_a_minute(collector: Collector, status: int) -> None:
    collector.status, log = status, RecordingLog()
    telemetry = telemetry_to(collector.url, log)
    started = time.monotonic()
    for _ in range(3):
        serve(telemetry)
    assert time.monotonic() - started < PATIENCE_SECONDS + 0.5
    assert [record.event for record in log.records] == ["telemetry_paused"]


def test_a_collector_that_is_gone_or_hangs_costs_two_seconds_once(silent: SilentServer, capfd: pytest.CaptureFixture[str]) -> None:
    for url in (unused_url(), f"http://{silent.address}"):
        log = RecordingLog()
        telemetry, started = telemetry_to(url, log), time.monotonic()
        for _ in range(5):
            serve(telemetry)
        assert time.monotonic() - started < PATIENCE_SECONDS + 0.5
        assert [record.event for record in log.records] == ["telemetry_paused"]
    assert capfd.readouterr() == ("", "")


def test_spans_of_two_functions_are_two_services(collector: Collector) -> None:
    telemetry = telemetry_to(collector.url)
    for function in ("api", "send"):
        telemetry.begin(function, "POST /", GIVEN)
        telemetry.end(status=200)
    telemetry.flush()
    spans: list[CollectedSpan] = collector.spans
    assert [span.service for span in spans] == ["fanfare-api", "fanfare-send"]
