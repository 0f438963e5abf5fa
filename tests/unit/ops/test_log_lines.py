from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.log_lines import PAGE, LogFilter, Window, show_entry
from ops.logs import read_age, read_filter
from ops.target import TargetError

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def entry(key: str, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    at = (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "789Z")
    return {"insertId": key, "timestamp": at, "resource": {"labels": {"service_name": "send"}}, **fields}


def keys(entries: Any) -> list[str]:
    return [found["insertId"] for found in entries]


def test_all_functions_are_asked_for_and_nothing_else() -> None:
    assert LogFilter(["send", "api"]).query(START) == (
        'resource.type="cloud_run_revision" AND resource.labels.service_name=("api" OR "send") AND timestamp>="2026-11-24T12:00:00+00:00"'
    )


def test_lines_are_asked_for_by_request_notification_and_severity() -> None:
    query = LogFilter(["api"], request="req-1", notification="n-1", severity="ERROR").query(START)
    assert query.endswith('severity>=ERROR AND jsonPayload.request_id="req-1" AND jsonPayload.notification="n-1"')


def test_a_value_cannot_end_its_quotation() -> None:
    assert LogFilter(["api"], request='x" OR "y').query(START).endswith('jsonPayload.request_id="x\\" OR \\"y"')


def test_what_was_shown_is_not_shown_again_and_late_lines_are() -> None:
    window = Window(START)
    assert keys(window.take([entry("a", 0), entry("b", 40)])) == ["a", "b"]
    assert window.since == START + timedelta(seconds=10, microseconds=0)
    assert keys(window.take([entry("late", 15), entry("b", 40), entry("c", 41)])) == ["late", "c"]
    assert keys(window.take([entry("c", 41)])) == []


def test_a_window_never_goes_back() -> None:
    window = Window(START)
    window.take([entry("a", 5)])
    assert window.since == START


def test_a_full_page_of_one_moment_is_got_past() -> None:
    window = Window(START)
    window.take([entry(str(number), 1 + number / PAGE) for number in range(PAGE)])
    assert window.since == START + timedelta(seconds=1 + (PAGE - 1) / PAGE)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"severity": "INFO", "jsonPayload": {"message": "chunk_delivered", "request_id": "r-1", "sent": 2, "function": "send", "reason": "a b"}},
            '2026-11-24T12:00:00.000 INFO     send      chunk_delivered request_id=r-1 sent=2 reason="a b"',
        ),
        ({"textPayload": "Traceback\n  line\n"}, "2026-11-24T12:00:00.000 DEFAULT  send      Traceback\\n  line"),
        (
            {"severity": "INFO", "httpRequest": {"requestMethod": "POST", "requestUrl": "https://api.example/reload?token=secret", "status": 200}},
            "2026-11-24T12:00:00.000 INFO     send      POST https://api.example/reload 200",
        ),
    ],
)
def test_an_entry_is_one_line_without_what_may_be_a_key(fields: dict[str, Any], line: str) -> None:
    assert show_entry(entry("a", **fields)) == line


def test_the_filter_is_read_from_the_command_line() -> None:
    wanted = read_filter({"REQUEST": "r", "NOTIFICATION": "n", "SEVERITY": "warning"})
    assert (wanted.request, wanted.notification, wanted.severity) == ("r", "n", "WARNING")
    assert {"api", "send", "schedule"} <= set(wanted.functions)


def test_a_severity_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(TargetError, match="SEVERITY must be one of DEBUG, INFO"):
        read_filter({"SEVERITY": "bad"})


@pytest.mark.parametrize(("text", "minutes"), [("", 10), ("0", 0), ("90", 90)])
def test_the_age_is_read_in_minutes(text: str, minutes: int) -> None:
    assert read_age({"MINUTES": text}) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["-1", "1h", "99999999"])
def test_an_age_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="MINUTES must be a number"):
        read_age({"MINUTES": text})
