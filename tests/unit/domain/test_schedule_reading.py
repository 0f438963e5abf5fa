"""Schedules as documents that anybody may have edited."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.schedule import Missed, Schedule, ScheduleStatus
from fanfare.domain.schedule_reading import LONGEST_DEFECT, read_schedule

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
REQUEST: dict[str, Any] = {"to": {"usernames": ["alice"]}, "title": "x"}
GOOD: dict[str, Any] = {
    "request": json.dumps(REQUEST), "date": "2026-11-25", "local_time": "09:00:00", "timezone": "Europe/Berlin", "repeat": "daily", "cron": None,
    "ends_at": NOW, "max_occurrences": 5, "on_missed": "skip", "grace_seconds": 60, "status": "active", "status_reason": "missed",
    "occurrence_count": 2, "next_local": "2026-11-25T09:00:00", "next_run_at": NOW, "last_sent_at": NOW, "last_notification_id": "n",
    "created_at": NOW, "created_by": "client-1", "updated_at": NOW, "defect": "an old one", "v": 1, "bucket": 3,
}  # fmt: skip
NINE = datetime.fromisoformat("2026-11-25 09:00")
READ = Schedule(
    id="s", tenant="acme", request=REQUEST, rule=Recurrence(Repeat.DAILY, NINE), zone="Europe/Berlin", created_at=NOW, status=ScheduleStatus.ACTIVE,
    status_reason="missed", on_missed=Missed.SKIP, grace_seconds=60, ends_at=NOW, max_occurrences=5, occurrence_count=2, next_local=NINE,
    next_run_at=NOW, last_sent_at=NOW, last_notification_id="n", updated_at=NOW, created_by="client-1",
)  # fmt: skip


def read(**edits: Any) -> Schedule:
    return read_schedule("acme", "s", {**GOOD, **edits}, NOW, revision=7)


def test_document_is_read_whole() -> None:
    assert read() == READ
    assert read().revision == 7


@pytest.mark.parametrize(
    ("edits", "fields"),
    [
        ({"timezone": "recipient"}, {"zone": None}),
        ({"repeat": "cron", "cron": "0 9 * * *"}, {"rule": Recurrence(Repeat.CRON, NINE, "0 9 * * *")}),
        ({"local_time": "10:30"}, {"rule": Recurrence(Repeat.DAILY, datetime.fromisoformat("2026-11-25 10:30"))}),
        ({"max_occurrences": None, "status_reason": None, "ends_at": None}, {"max_occurrences": None, "status_reason": None, "ends_at": None}),
        ({"next_local": None, "next_run_at": None, "last_sent_at": None}, {"next_local": None, "next_run_at": None, "last_sent_at": None}),
        ({"created_by": 5, "last_notification_id": 5, "updated_at": "x"}, {"created_by": "", "last_notification_id": None, "updated_at": None}),
    ],
)
def test_edit_by_hand_is_what_is_meant(edits: dict[str, Any], fields: dict[str, Any]) -> None:
    assert read(**edits) == replace(READ, **fields)


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ({"request": None}, "request"),
        ({"request": "{"}, "request"),
        ({"request": "[]"}, "request"),
        ({"request": json.dumps({"title": "x"})}, "request"),
        ({"request": json.dumps({"to": "alice"})}, "request"),
        ({"request": json.dumps({"to": {"targets": [{"token": "t"}]}})}, "request"),
        ({"request": json.dumps({"to": {"everyone": True}, "priority": "urgent"})}, "request"),
        ({"request": json.dumps({"to": {"segment": {"tag": ["x"]}}})}, "request.to.segment.tag"),
        ({"request": json.dumps({"to": {"everyone": True}, "only": {"mood": []}})}, "request.only.mood"),
        ({"date": "2026-02-30"}, "date"),
        ({"local_time": "9"}, "local_time"),
        ({"timezone": None}, "timezone"),
        ({"timezone": "Mars/One"}, "timezone"),
        ({"repeat": "yearly"}, "repeat"),
        ({"repeat": "cron"}, "cron"),
        ({"max_occurrences": 0}, "max_occurrences"),
        ({"occurrence_count": None}, "occurrence_count"),
        ({"on_missed": True}, "on_missed"),
        ({"grace_seconds": "60"}, "grace_seconds"),
        ({"status": "off"}, "status"),
        ({"status_reason": 5}, "status_reason"),
        ({"ends_at": "tomorrow"}, "ends_at"),
        ({"next_run_at": "tomorrow"}, "next_run_at"),
        ({"next_local": "tomorrow"}, "next_local"),
    ],
)
def test_broken_edit_is_told_and_sends_nothing(edits: dict[str, Any], path: str) -> None:
    found = read(**edits)
    assert found.defect is not None
    assert found.defect.startswith(f"{path}: ")
    assert (found.request, found.next_local, found.created_at, found.created_by) == ({}, None, NOW, "client-1")
    assert found.status is (ScheduleStatus.PAUSED if "status" in edits else ScheduleStatus.ACTIVE)


def test_empty_document_is_a_broken_schedule() -> None:
    found = read_schedule("acme", "s", {}, NOW)
    assert (found.created_at, found.status, found.next_run_at) == (NOW, ScheduleStatus.PAUSED, None)
    assert found.defect is not None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes() | st.just(NOW) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.sampled_from(["to", "usernames", "actions", "id", "segment", "data", "topic"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), anything, max_size=4))
def test_whatever_stands_in_a_document_it_is_read(edits: dict[str, Any]) -> None:
    found = read(**edits)
    assert found.defect is None or 0 < len(found.defect) <= LONGEST_DEFECT


@given(st.dictionaries(st.sampled_from(["to", "only", "priority", "actions", "variables", "title", "fanout", "data"]), json_values))
def test_whatever_a_request_is_made_of_it_is_read(request: dict[str, Any]) -> None:
    found = read(request=json.dumps(request))
    assert found.defect is None or found.request == {}
