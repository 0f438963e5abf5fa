"""What a schedule means, found by looking at the wall clock of a zone minute by minute: nothing of the project's own calendar is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from fanfare.domain.recurrence import Repeat
from fanfare.domain.timing import RECIPIENT

DAYS = 31


def instants_of(timing: Mapping[str, Any], zone: str, begin: datetime) -> list[datetime]:
    """When a schedule comes to somebody in a zone, within the month."""
    its_zone = zone if timing["timezone"] == RECIPIENT else timing["timezone"]
    end = begin + timedelta(days=DAYS)
    found = (instant for day, clock in _local_times(timing, begin) for instant in [_first_minute(day, clock, its_zone)])
    return [instant for instant in found if begin <= instant < end]


def _local_times(timing: Mapping[str, Any], begin: datetime) -> Iterator[tuple[date, str]]:
    days = [begin.date() + timedelta(days=number) for number in range(-1, DAYS + 1)]
    if "cron" in timing:
        minutes, hour = timing["cron"].split()[:2]
        yield from ((day, f"{int(hour):02}:{minute}") for day in days if day.isoweekday() <= 5 for minute in minutes.split(","))
        return
    start = date.fromisoformat(timing["date"])
    yield from ((day, timing["local_time"]) for day in days if day >= start and _recurs(timing["repeat"], start, day))


def _recurs(repeat: Repeat, start: date, day: date) -> bool:
    match repeat:
        case Repeat.DAILY:
            return True
        case Repeat.WEEKLY:
            return day.weekday() == start.weekday()
        case Repeat.MONTHLY:
            return day.day == start.day
        case _:
            return day == start


@cache
def _first_minute(day: date, clock: str, zone: str) -> datetime:
    """The first minute of a day at which the clock on the wall shows a time, or a later one."""
    hour, minute = map(int, clock.split(":"))
    minutes = 60 * hour + minute
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while True:
        shown = at.astimezone(ZoneInfo(zone))
        if shown.date() > day or (shown.date() == day and 60 * shown.hour + shown.minute >= minutes):
            return at
        at += timedelta(minutes=1)
