"""When something is to be sent, as callers say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.local_reading import read_start
from fanfare.domain.recurrence import Recurrence, Repeat, instant_of
from fanfare.domain.timing import Timing, rule_of, start_field, zone_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AT = datetime(2026, 12, 24, 8, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def refused(timing: Timing, zone: str | None = BERLIN) -> str:
    with pytest.raises(InvalidRequest) as error:
        rule_of(timing, zone, NOW)
    return error.value.errors[0].field


@pytest.mark.parametrize(
    ("said", "zone", "rule"),
    [
        ({"at": AT}, BERLIN, Recurrence(Repeat.NONE, local("2026-12-24 09:00"))),
        ({"at": AT + timedelta(microseconds=7)}, "UTC", Recurrence(Repeat.NONE, local("2026-12-24 08:00"))),
        ({"at": AT, "repeat": Repeat.MONTHLY}, BERLIN, Recurrence(Repeat.MONTHLY, local("2026-12-24 09:00"))),
        ({"date": "2026-12-24", "local_time": "09:00"}, None, Recurrence(Repeat.NONE, local("2026-12-24 09:00"))),
        ({"date": "2026-12-24", "local_time": "09:00:30", "repeat": Repeat.WEEKLY}, BERLIN, Recurrence(Repeat.WEEKLY, local("2026-12-24 09:00:30"))),
        # Noon in UTC is 13:00 in Berlin.
        ({"local_time": "13:00", "repeat": Repeat.DAILY}, BERLIN, Recurrence(Repeat.DAILY, local("2026-11-25 13:00"))),
        ({"local_time": "13:01", "repeat": Repeat.DAILY}, BERLIN, Recurrence(Repeat.DAILY, local("2026-11-24 13:01"))),
        ({"local_time": "01:00", "repeat": Repeat.DAILY}, "Pacific/Kiritimati", Recurrence(Repeat.DAILY, local("2026-11-26 01:00"))),
        ({"local_time": "02:00", "repeat": Repeat.DAILY}, None, Recurrence(Repeat.DAILY, local("2026-11-26 02:00"))),
        ({"local_time": "02:01", "repeat": Repeat.DAILY}, None, Recurrence(Repeat.DAILY, local("2026-11-25 02:01"))),
        ({"cron": "0 9 * * *"}, BERLIN, Recurrence(Repeat.CRON, local("2026-11-24 13:00"), "0 9 * * *")),
        ({"cron": "0 9 * * *", "repeat": Repeat.CRON}, None, Recurrence(Repeat.CRON, local("2026-11-24 12:00"), "0 9 * * *")),
        ({"cron": "0 9 * * *", "date": "2027-01-01"}, BERLIN, Recurrence(Repeat.CRON, local("2027-01-01 00:00"), "0 9 * * *")),
        ({"cron": "0 9 * * *", "at": AT}, BERLIN, Recurrence(Repeat.CRON, local("2026-12-24 09:00"), "0 9 * * *")),
    ],
)
def test_what_is_said_is_a_rule(said: dict[str, Any], zone: str | None, rule: Recurrence) -> None:
    assert rule_of(Timing(**said), zone, NOW) == (rule, zone)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "at"),
        ({"repeat": Repeat.DAILY}, "at"),
        ({"repeat": Repeat.CRON}, "cron"),
        ({"cron": "0 9 * * *", "repeat": Repeat.DAILY}, "cron"),
        ({"cron": "0 9 * * *", "repeat": Repeat.NONE}, "cron"),
        ({"cron": "0 9 * * *", "local_time": "09:00"}, "date"),
        ({"at": AT, "date": "2026-12-24"}, "at"),
        ({"at": AT, "local_time": "09:00"}, "at"),
        ({"at": AT.replace(year=2300)}, "at"),
        ({"at": datetime(1, 1, 1, tzinfo=UTC)}, "at"),
        ({"at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "at"),
        ({"date": "2026-12-24"}, "local_time"),
        ({"local_time": "09:00"}, "date"),
        ({"local_time": "09:00", "repeat": Repeat.WEEKLY}, "date"),
        ({"date": "2027-02-29", "local_time": "09:00"}, "date"),
        ({"date": "20261224", "local_time": "09:00"}, "date"),
        ({"date": "1999-12-24", "local_time": "09:00"}, "date"),
        ({"date": "2026-12-24", "local_time": "24:00"}, "local_time"),
        ({"date": "2026-12-24", "local_time": "9:00"}, "local_time"),
        ({"date": "2026-12-24", "local_time": "09:00+01:00"}, "local_time"),
    ],
)
def test_what_is_wrong_missing_or_beside_another_is_named(said: dict[str, Any], field: str) -> None:
    assert refused(Timing(**said)) == field


def test_an_instant_is_no_time_of_each_recipients_clock() -> None:
    assert refused(Timing(at=AT), None) == "at"


def test_zone_is_a_name_or_the_recipients_or_the_usual_one() -> None:
    assert [zone_of(Timing(timezone=name), "Asia/Tokyo") for name in (None, "recipient", BERLIN)] == ["Asia/Tokyo", None, BERLIN]
    with pytest.raises(InvalidRequest) as error:
        zone_of(Timing(timezone="Mars/One"), "UTC")
    assert error.value.errors[0].field == "timezone"


@pytest.mark.parametrize(("said", "field"), [({"at": AT}, "at"), ({"date": "2026-12-24"}, "date"), ({}, "local_time")])
def test_field_that_says_when_it_starts(said: dict[str, Any], field: str) -> None:
    assert start_field(Timing(**said)) == field


@given(st.datetimes(local("2025-01-01"), local("2030-12-31")), st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe"]))
def test_once_is_at_the_very_second_also_where_clocks_show_it_twice(at: datetime, zone: str) -> None:
    instant = at.replace(microsecond=0, tzinfo=UTC)
    rule, kept = rule_of(Timing(at=instant), zone, NOW)
    assert kept is not None
    assert instant_of(rule.start, ZoneInfo(kept)) == instant


def test_second_of_two_is_kept_in_utc() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert rule_of(Timing(at=second), BERLIN, NOW) == (Recurrence(Repeat.NONE, local("2026-10-25 01:30")), "UTC")
    assert rule_of(Timing(at=second, repeat=Repeat.DAILY), BERLIN, NOW) == (Recurrence(Repeat.DAILY, local("2026-10-25 02:30")), BERLIN)


@pytest.mark.parametrize("value", [None, 5, b"2026-12-24", "2026-12-24\n", "٢٠٢٦-١٢-٢٤"])
def test_anything_at_all_is_read_or_refused(value: object) -> None:
    with pytest.raises(InvalidRequest):
        read_start(value, "09:00")
    with pytest.raises(InvalidRequest):
        read_start("2026-12-24", value)
