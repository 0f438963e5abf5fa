"""The trace of a request: taken from whoever calls, carried on by what is asked for, and recorded only where somebody collects it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from fanfare.adapters.outbox import Outbox
from fanfare.adapters.telemetry import RequestTelemetry
from fanfare.adapters.trace_scope import current_trace
from fanfare.domain.trace_context import SpanKind, TraceContext, traceparent_of
from fanfare.ports.telemetry import Attribute
from tests.factories import NOW
from tests.fakes import FixedClock, RecordingLog

GIVEN = TraceContext("a" * 32, "b" * 16, is_sampled=True)


@dataclass
class Recorded:
    """A span that is kept."""

    name: str
    parent: str | None
    context: TraceContext
    attributes: dict[str, Attribute] = field(default_factory=dict)
    failure: str = ""
    ends: int = 0

    def note(self, **attributes: Attribute) -> None:
        self.attributes.update(attributes)

    def fail(self, reason: str) -> None:
        self.failure = reason

    def end(self) -> None:
        self.ends += 1


class Recorder:
    """Keeps spans, numbered."""

    def __init__(self) -> None:
        self.spans: list[Recorded] = []
        self._numbers = itertools.count(1)

    def record(self, function: str, name: str, parent: TraceContext | None, kind: SpanKind, attributes: Mapping[str, Attribute]) -> Recorded:
        trace = parent.trace_id if parent else "e" * 32
        context = TraceContext(trace, f"{next(self._numbers):016x}", is_sampled=True)
        self.spans.append(Recorded(name, parent.span_id if parent else None, context, {**attributes, "in": function, "kind": kind.value}))
        return self.spans[-1]


@pytest.fixture(autouse=True)
def _outside_of_a_request() -> Iterator[None]:
    current_trace.set(None)
    yield
    current_trace.set(None)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def recording(recorder: Recorder) -> RequestTelemetry:
    return RequestTelemetry(RecordingLog(), _draw, recorder=recorder)


@pytest.fixture
def carrying() -> RequestTelemetry:
    """Nobody collects."""
    return RequestTelemetry(RecordingLog(), _draw)


def _draw(length: int) -> bytes:
    return b"\x07" * length


def test_trace_that_was_given_is_carried_on_without_a_collector(carrying: RequestTelemetry) -> None:
    carrying.begin("api", "GET /", GIVEN)
    with carrying.span("work") as span:
        span.note(sent=1)
        assert carrying.headers() == {"traceparent": traceparent_of(GIVEN)}
    carrying.start("beside").end()
    carrying.end(status=200)
    assert current_trace.get() == GIVEN


def test_request_without_a_trace_begins_one_that_nobody_samples(carrying: RequestTelemetry) -> None:
    carrying.begin("api", "GET /", None)
    assert carrying.headers() == {"traceparent": f"00-{'07' * 16}-{'07' * 8}-00"}


def test_trace_without_a_span_gets_one(carrying: RequestTelemetry) -> None:
    carrying.begin("api", "GET /", TraceContext("a" * 32, "", is_sampled=False))
    assert current_trace.get() == TraceContext("a" * 32, "07" * 8, is_sampled=False)


def test_outside_of_a_request_nothing_is_carried_or_recorded(recording: RequestTelemetry, recorder: Recorder) -> None:
    with recording.span("work"):
        assert recording.headers() == {}
    assert recorder.spans == []


def test_spans_stand_below_their_request_and_below_one_another(recording: RequestTelemetry, recorder: Recorder) -> None:
    recording.begin("send", "POST /", GIVEN)
    with recording.span("outer", tenant="acme"), recording.span("inner", SpanKind.CLIENT):
        recording.start("beside").end()
        assert recording.headers()["traceparent"].split("-")[2] == "3".zfill(16)
    recording.start("afterwards").end()
    recording.end(status=200)
    assert [(span.name, span.parent and span.parent.lstrip("0"), span.ends) for span in recorder.spans] == [
        ("send POST /", GIVEN.span_id, 1),
        ("outer", "1", 1),
        ("inner", "2", 1),
        ("beside", "3", 1),
        ("afterwards", "1", 1),
    ]
    assert {span.attributes["in"] for span in recorder.spans} == {"send"}
    assert [span.attributes["kind"] for span in recorder.spans][:3] == ["server", "internal", "client"]


def test_request_of_nobody_is_the_first_of_its_trace(recording: RequestTelemetry, recorder: Recorder) -> None:
    recording.begin("api", "GET /", None)
    assert (recorder.spans[0].parent, current_trace.get()) == (None, recorder.spans[0].context)


def test_failed_work_is_marked_by_the_type_of_its_error_alone(recording: RequestTelemetry, recorder: Recorder) -> None:
    recording.begin("api", "GET /", GIVEN)
    with pytest.raises(ValueError, match="secret"), recording.span("work"):
        raise ValueError("secret")
    assert (recorder.spans[1].failure, recorder.spans[1].ends) == ("ValueError", 1)
    assert "secret" not in str(recorder.spans)
    assert current_trace.get() == recorder.spans[0].context


@pytest.mark.parametrize(("status", "failure"), [(200, ""), (404, ""), (499, ""), (500, "500"), (503, "503")])
def test_request_has_failed_if_it_was_our_fault(recording: RequestTelemetry, recorder: Recorder, status: int, failure: str) -> None:
    recording.begin("api", "GET /", GIVEN)
    recording.end(status=status, request_id="request-1")
    assert (recorder.spans[0].failure, recorder.spans[0].attributes["status"]) == (failure, status)


def test_threads_are_in_traces_of_their_own(recording: RequestTelemetry) -> None:
    recording.begin("api", "GET /", GIVEN)
    seen: list[TraceContext | None] = []
    thread = threading.Thread(target=lambda: seen.append(current_trace.get()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_receiver_that_takes_nothing_is_told_in_the_log_once_a_minute() -> None:
    log, outbox = RecordingLog(), Outbox[str]("traces", lambda _items: False, FixedClock(NOW))
    telemetry = RequestTelemetry(log, _draw, outboxes=[outbox])
    for item in ("one", "two"):
        outbox.put(item)
        telemetry.flush()
    assert [(record.level, record.event, record.fields) for record in log.records] == [("warning", "telemetry_paused", {"outbox": "traces"})]
