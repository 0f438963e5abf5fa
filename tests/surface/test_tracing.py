"""Every request stands in a trace: what surfaces take of headers, what their lines say, and that a thread forgets one request for the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from fanfare.adapters.structured_log import StructuredLog
from fanfare.adapters.telemetry import RequestTelemetry
from fanfare.adapters.trace_scope import current_trace
from fanfare.ports import Deps
from fanfare.web.schedule import build_schedule
from fanfare.web.send import build_send
from fanfare.web.stream import build_stream
from tests.fakes import RecordingTelemetry, ScriptedCallAuthenticator, fake_deps
from tests.surface.surface import CREDENTIALS, PREFIX, build_api, some_deps

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
TOKEN = {"Authorization": "Bearer token"}
CALLERS = {(function, "token"): None for function in ("send", "schedule")}


@pytest.fixture(autouse=True)
def _own_thread() -> Iterator[None]:
    """Leave structlog and the thread as they were: both belong to the process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    current_trace.set(None)


def _observed() -> dict[str, Any]:
    """A real log, and a real trace that nobody collects."""
    log = StructuredLog("INFO", "acme-push")
    return {"log": log, "telemetry": RequestTelemetry(log, lambda length: b"\x07" * length)}


def _internal() -> Deps:
    return fake_deps(call_authenticator=ScriptedCallAuthenticator(CALLERS), **_observed())


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("headers", "trace", "span"),
    [
        ({"traceparent": TRACEPARENT}, TRACE, SPAN),
        ({"X-Cloud-Trace-Context": f"{TRACE}/255;o=1"}, TRACE, "00000000000000ff"),
        ({"traceparent": "nonsense", "X-Cloud-Trace-Context": f"{TRACE}/255"}, TRACE, "00000000000000ff"),
        ({}, "07" * 16, "07" * 8),
    ],
)
def test_line_of_a_request_stands_in_its_trace(capsys: pytest.CaptureFixture[str], headers: dict[str, str], trace: str, span: str) -> None:
    api = build_api(some_deps(**_observed())).test_client()
    api.get(f"{PREFIX}/devices/x", headers={**CREDENTIALS, "X-Request-ID": "request-1", **headers})
    (line,) = [line for line in _lines(capsys) if line["message"] == "answered"]
    assert (line["logging.googleapis.com/trace"], line["logging.googleapis.com/spanId"]) == (f"projects/acme-push/traces/{trace}", span)
    assert (line["route"], line["status"], line["request_id"]) == (f"{PREFIX}/devices/<id>", 404, "request-1")


def test_call_of_an_internal_function_is_one_line_with_its_status_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    send = build_send(_internal()).test_client()
    answer = send.post(
        "/", headers={**TOKEN, "traceparent": TRACEPARENT}, json={"tenant": "acme", "notification": "n-1", "chunk": 0, "request_id": "r-1"}
    )
    (line,) = [line for line in _lines(capsys) if line["message"] == "answered"]
    assert (line["status"], line["ms"], line["function"], line["request_id"]) == (answer.status_code, 0.0, "send", "r-1")
    assert line["logging.googleapis.com/trace"].endswith(TRACE)


def test_thread_forgets_the_request_before_whoever_calls_next(capsys: pytest.CaptureFixture[str]) -> None:
    send = build_send(_internal()).test_client()
    send.post("/", headers={**TOKEN, "traceparent": TRACEPARENT}, json={"request_id": "r-1"})
    assert send.post("/", headers={"Authorization": "Bearer another"}).status_code == 401
    refused = [line for line in _lines(capsys) if line["message"] == "answered"][-1]
    assert (refused["status"], refused.get("request_id"), refused["function"]) == (401, None, "send")
    assert TRACE not in json.dumps(refused)


@pytest.mark.parametrize(
    ("build", "method", "path", "name"),
    [
        (build_api, "GET", f"{PREFIX}/devices/x", f"api GET {PREFIX}/devices/<id>"),
        (build_api, "GET", f"{PREFIX}/nothing/of/ours", "api GET unknown"),
        (build_stream, "GET", f"{PREFIX}/nothing", "stream GET unknown"),
        (build_send, "POST", "/", "send POST /"),
        (build_schedule, "POST", "/", "schedule POST /"),
    ],
)
def test_request_is_a_span_named_by_its_route(build: Any, method: str, path: str, name: str) -> None:
    telemetry = RecordingTelemetry()
    surface = build(some_deps(telemetry=telemetry, call_authenticator=ScriptedCallAuthenticator(CALLERS)))
    answer = surface.test_client().open(
        path, method=method, headers={**CREDENTIALS, **(TOKEN if path == "/" else {})}, json={} if path == "/" else None
    )
    span = telemetry.spans[0]
    assert (span.name, span.is_over, span.attributes["status"]) == (name, True, answer.status_code)


def test_path_never_names_a_span() -> None:
    telemetry = RecordingTelemetry()
    build_api(some_deps(telemetry=telemetry)).test_client().get(f"{PREFIX}/profiles/bob%40example.com", headers=CREDENTIALS)
    assert "bob" not in str(telemetry.spans)
