"""One JSON object a line, in Cloud Logging's shape, and no text of an error in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from fanfare.adapters.structured_log import DEEPEST_FRAMES, StructuredLog


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    """Leave structlog as it was: its configuration belongs to the process."""
    before = structlog.get_config()
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
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
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
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
    assert line["where"][-1].endswith(":_raise")
    assert __file__ in line["where"][-1]
    assert "secret" not in json.dumps(line)


def test_an_error_from_far_down_tells_where_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").error("unforeseen", _caught(100))
    [line] = _lines(capsys)
    assert len(line["where"]) == DEEPEST_FRAMES
    assert line["where"][-1].endswith(":_raise")


def test_an_error_that_was_never_raised_is_logged_too(capsys: pytest.CaptureFixture[str]) -> None:
    StructuredLog("INFO").error("unforeseen", KeyError("secret"))
    [line] = _lines(capsys)
    assert (line["error"], line["where"]) == ("KeyError", [])


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
