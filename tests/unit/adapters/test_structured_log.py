"""One JSON object a line, in Cloud Logging's shape, and no text of an error in it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from fanfare.adapters.structured_log import DEEPEST_FRAMES, ERROR_TYPE, StructuredLog
from fanfare.adapters.trace_scope import current_trace
from fanfare.domain.trace_context import TraceContext


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    """Leave structlog as it was: its configuration belongs to the process."""
    before = structlog.get_config()
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    current_trace.set(None)
    structlog.configure(**before)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    written = capsys.readouterr()
    assert written.err == ""
    return [json.loads(line) for line in written.out.splitlines()]


def _raise(depth: int) -> None:
    if depth:
        _raise(depth - 1)
    raise ValueError("a body with a secret")


def _caught(depth: int = 0) -> ValueError:
    try:
        _raise(depth)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(("method", "severity"), [("info", "INFO"), ("warning", "WARNING")])
def test_an_event_is_one_line_with_severity_message_and_fields(capsys: pytest.CaptureFixture[str], method: str, severity: str) -> None:
    getattr(StructuredLog("INFO"), method)("chunk_delivered", chunk=3, text="two\nlines")
    [line] = _lines(capsys)
    assert datetime.fromisoformat(line.pop("time")).utcoffset() is not None
    assert line == {"severity": severity, "message": "chunk_delivered", "chunk": 3, "text": "two\nlines"}


def test_fields_bound_to_the_request_are_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = StructuredLog("INFO")
    structlog.contextvars.bind_contextvars(request_id="request-1")
    events.info("begun")
    events.error("failed", _caught())
    structlog.contextvars.clear_contextvars()
    events.info("next")
    assert [line.get("request_id") for line in _lines(capsys)] == ["request-1", "request-1", None]


def test_an_error_tells_its_type_and_place_and_never_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").error("unforeseen", _caught())
    [line] = _lines(capsys)
    assert (line["severity"], line["message"], line["error"]) == ("ERROR", "unforeseen", "ValueError")
    assert (line["@type"], line["stack_trace"].splitlines()[-1]) == (ERROR_TYPE, "ValueError")
    assert "secret" not in json.dumps(line)


def test_an_errors_trace_is_pythons_own_but_for_its_text_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    """Error Reporting groups what looks like an interpreter's trace."""
    error = _caught()
    StructuredLog("INFO").error("unforeseen", error)
    [line] = _lines(capsys)
    pythons = [row for row in "".join(traceback.format_exception(error)).splitlines() if row.startswith(("Traceback", "  File"))]
    assert line["stack_trace"].splitlines() == [*pythons, "ValueError"]


def test_lines_of_a_request_stand_in_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    current_trace.set(TraceContext("a" * 32, "b" * 16, is_sampled=True))
    events = StructuredLog("INFO", "acme-push")
    events.info("begun")
    events.error("failed", _caught())
    for line in _lines(capsys):
        assert {name.partition("/")[2]: value for name, value in line.items() if name.startswith("logging.googleapis.com/")} == {
            "trace": f"projects/acme-push/traces/{'a' * 32}",
            "spanId": "b" * 16,
            "trace_sampled": True,
        }


def test_an_error_is_told_to_whoever_tracks_errors(capsys: pytest.CaptureFixture[str]) -> None:
    tracked: list[tuple[str, BaseException]] = []

    class Tracker:
        def record(self, event: str, error: BaseException) -> None:
            tracked.append((event, error))

    error, events = _caught(), StructuredLog("ERROR", errors=Tracker())
    events.warning("nothing", error=error)
    events.error("unforeseen", error)
    assert tracked == [("unforeseen", error)]
    assert len(_lines(capsys)) == 1


def test_an_error_from_far_down_tells_where_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").error("unforeseen", _caught(100))
    [line] = _lines(capsys)
    places = line["stack_trace"].splitlines()[1:-1]
    assert len(places) == DEEPEST_FRAMES
    assert places[-1].endswith("in _raise")


def test_an_error_that_was_never_raised_is_logged_too(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").error("unforeseen", KeyError("secret"))
    [line] = _lines(capsys)
    assert (line["error"], line["stack_trace"]) == ("KeyError", "Traceback (most recent call last):\nKeyError")


@pytest.mark.parametrize(("level", "kept"), [("INFO", 2), ("warning", 1), ("ERROR", 0), ("no such level", 2)])
def test_the_level_says_what_is_kept(capsys: pytest.CaptureFixture[str], level: str, kept: int) -> None:
    log = StructuredLog(level)
    log.info("a")
    log.warning("b")
    assert [line["message"] for line in _lines(capsys)] == ["a", "b"][2 - kept :]


def test_a_value_that_json_does_not_know_does_not_break_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").info("odd", value={1, 2}, raw=b"bytes")
    [line] = _lines(capsys)
    assert line["message"] == "odd"
