"""Recurrence: local times, and the instants that they are in a zone, over the real changes of clocks from 2025 to 2030."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.adapters.cron_table import CronsimTable
from fanfare.domain.recurrence import LATEST, Recurrence, Repeat, first_anywhere, instant_of, instants, last_anywhere, local_times, until

CRON = CronsimTable().next_time
ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
    "Africa/Dar_es_Salaam", "America/St_Johns", "Pacific/Chatham", "Africa/Casablanca", "Asia/Tehran", "America/Santiago",
]  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


zones = st.sampled_from(ZONES).map(ZoneInfo)
local = st.datetimes(at("2025-01-01"), at("2030-12-31")).map(lambda time: time.replace(microsecond=0))
START = at("2025-01-31 09:30")


def first(count: int, times: Iterator[datetime]) -> list[str]:
    return [time.isoformat(" ", "minutes").removesuffix("+00:00") for time in islice(times, count)]


@pytest.mark.parametrize(
    ("repeat", "cron", "expected"),
    [
        (Repeat.NONE, None, ["2025-01-31 09:30"]),
        (Repeat.DAILY, None, ["2025-01-31 09:30", "2025-02-01 09:30", "2025-02-02 09:30"]),
        (Repeat.WEEKLY, None, ["2025-01-31 09:30", "2025-02-07 09:30", "2025-02-14 09:30"]),
        (Repeat.MONTHLY, None, ["2025-01-31 09:30", "2025-02-28 09:30", "2025-03-31 09:30"]),
        (Repeat.CRON, "30 9 * * 5", ["2025-01-31 09:30", "2025-02-07 09:30", "2025-02-14 09:30"]),
        (Repeat.CRON, "0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
    ],
)
def test_a_rule_begins_at_its_start(repeat: Repeat, cron: str | None, expected: list[str]) -> None:
    assert first(3, local_times(Recurrence(repeat, START, cron), None, CRON)) == expected


@pytest.mark.parametrize("repeat", list(Repeat))
def test_going_on_after_a_time_is_the_rest_of_the_whole(repeat: Repeat) -> None:
    rule = Recurrence(repeat, START, "30 9 */3 * *")
    whole = list(islice(local_times(rule, None, CRON), 40))
    for number, time in enumerate(whole):
        assert list(islice(local_times(rule, time, CRON), 5)) == [*whole[number + 1 :], *islice(local_times(rule, whole[-1], CRON), 5)][:5]
    assert list(islice(local_times(rule, START - timedelta(days=400), CRON), 40)) == whole


@pytest.mark.parametrize(
    ("zone", "time", "instant"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),  # skipped: the clock goes from 02:00 to 03:00
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),  # there twice: the first
        ("America/New_York", "2027-03-14 02:15", "2027-03-14 07:00"),
        ("Australia/Lord_Howe", "2028-10-01 02:10", "2028-09-30 15:30"),  # half an hour
        ("Africa/Casablanca", "2026-03-22 02:30", "2026-03-22 02:00"),
        ("Asia/Kathmandu", "2029-07-01 12:00", "2029-07-01 06:15"),
    ],
)
def test_a_local_time_is_one_instant(zone: str, time: str, instant: str) -> None:
    assert instant_of(at(time), ZoneInfo(zone)) == at(instant).replace(tzinfo=UTC)


@given(local, zones)
def test_an_instant_shows_its_local_time_or_the_first_one_after_the_gap(time: datetime, zone: ZoneInfo) -> None:
    instant = instant_of(time, zone)
    shown = instant.astimezone(zone)
    if shown.replace(tzinfo=None) == time:
        # It is the first of two.
        assert all((instant - timedelta(minutes=back)).astimezone(zone).replace(tzinfo=None) != time for back in (30, 60, 120))
    else:
        assert shown.replace(tzinfo=None) > time
        assert (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < time
    assert first_anywhere(time) <= instant <= last_anywhere(time)


@given(local, zones, st.sampled_from([Repeat.DAILY, Repeat.WEEKLY, Repeat.MONTHLY]))
def test_every_local_time_fires_exactly_once(start: datetime, zone: ZoneInfo, repeat: Repeat) -> None:
    rule = Recurrence(repeat, start)
    fired = list(islice(instants(rule, zone, datetime(2024, 1, 1, tzinfo=UTC), CRON), 30))
    assert fired == [instant_of(time, zone) for time in islice(local_times(rule, None, CRON), 30)]
    assert fired == sorted(set(fired))


@given(local, zones, st.integers(0, 20))
def test_an_instant_that_fired_is_not_fired_again(start: datetime, zone: ZoneInfo, number: int) -> None:
    rule = Recurrence(Repeat.DAILY, start)
    fired = list(islice(instants(rule, zone, datetime(2024, 1, 1, tzinfo=UTC), CRON), number + 2))
    assert next(instants(rule, zone, fired[number], CRON)) == fired[number + 1]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # 02:00, 02:20 and 02:40 are skipped and become 03:00, which is there as well.
        ("2026-03-29", ["00:00", "00:20", "00:40", "01:00", "01:20"]),
        # 02:00, 02:20 and 02:40 are there twice.
        ("2026-10-25", ["23:00", "23:20", "23:40", "00:00", "00:20", "00:40", "02:00", "02:20"]),
    ],
)
def test_a_cron_of_minutes_fires_once_for_each_local_time(day: str, expected: list[str]) -> None:
    rule = Recurrence(Repeat.CRON, at(f"{day} 01:00"), "*/20 1-3 * * *")
    fired = islice(instants(rule, ZoneInfo("Europe/Berlin"), datetime(2026, 1, 1, tzinfo=UTC), CRON), len(expected))
    assert [instant.strftime("%H:%M") for instant in fired] == expected


def test_the_calendar_ends() -> None:
    late = LATEST - timedelta(days=40)
    assert len(list(local_times(Recurrence(Repeat.DAILY, late), None, CRON))) == 41
    assert len(list(local_times(Recurrence(Repeat.MONTHLY, late), None, CRON))) == 2


def test_a_rule_may_have_no_more_times() -> None:
    assert list(instants(Recurrence(Repeat.NONE, START), ZoneInfo("UTC"), datetime(2024, 1, 1, tzinfo=UTC), CRON)) == [START.replace(tzinfo=UTC)]
    assert list(local_times(Recurrence(Repeat.CRON, START, "0 0 1 1 *"), None, lambda *_: None)) == []


def test_an_end_belongs_to_the_times() -> None:
    rule = Recurrence(Repeat.DAILY, START)
    assert first(9, until(local_times(rule, None, CRON), START + timedelta(days=1))) == ["2025-01-31 09:30", "2025-02-01 09:30"]
    assert first(1, until(local_times(rule, None, CRON), None)) == ["2025-01-31 09:30"]
