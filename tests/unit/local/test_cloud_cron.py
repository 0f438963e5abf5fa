"""The minute matcher of the scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from local.cloud.errors import ApiError
from local.cloud.scheduler.cron import parse_cron


def next_firings(schedule: str, zone: str, after: str, count: int) -> list[str]:
    cron = parse_cron(schedule, ZoneInfo(zone))
    moment, found = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(count):
        following = cron.next_after(moment)
        assert following is not None
        moment = following
        found.append(moment.strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-11-24T10:00:30", ["2026-11-24T10:01", "2026-11-24T10:02"]),
        ("*/5 * * * *", "2026-11-24T10:00:00", ["2026-11-24T10:05", "2026-11-24T10:10"]),
        ("50/5 23 * * *", "2026-11-24T23:50:00", ["2026-11-24T23:55", "2026-11-25T23:50"]),
        ("0 3 * * *", "2026-11-24T10:00:00", ["2026-11-25T03:00", "2026-11-26T03:00"]),
        ("15,45 9-10 * * 1-5", "2026-11-27T10:15:00", ["2026-11-27T10:45", "2026-11-30T09:15"]),
        ("0 0 * * 7", "2026-11-24T00:00:00", ["2026-11-29T00:00", "2026-12-06T00:00"]),
        ("0 0 13 * 5", "2026-11-06T12:00:00", ["2026-11-13T00:00", "2026-11-20T00:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ],
)
def test_schedule_fires_when_cron_says(schedule: str, after: str, expected: list[str]) -> None:
    assert next_firings(schedule, "Etc/UTC", after, len(expected)) == expected


def test_zone_decides_the_hour() -> None:
    assert next_firings("0 3 * * *", "Africa/Dar_es_Salaam", "2026-11-24T00:00:00", 1) == ["2026-11-25T00:00"]


def test_skipped_local_time_does_not_fire_and_a_repeated_one_fires_twice() -> None:
    assert next_firings("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", 1) == ["2026-03-30T00:30"]
    assert next_firings("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", 2) == ["2026-10-25T00:30", "2026-10-25T01:30"]


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "* * * * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "0 0 * * MON", "0 0 30 2 *", "@daily"]
)
def test_other_schedules_are_refused(schedule: str) -> None:
    with pytest.raises(ApiError):
        parse_cron(schedule, ZoneInfo("Etc/UTC"))
