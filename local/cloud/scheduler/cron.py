"""Unix cron in five fields (minute, hour, day of month, month, day of week), in a time zone.

Each field is ``*``, ``*/n``, a number, a range, a range with a step, or a comma-separated list of these; names and English are refused.
As in cron, a restricted day of month and a restricted day of week are alternatives. A local time that a change of the clock skips does
not fire, one that it repeats fires twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from local.cloud.errors import invalid_argument

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
# The 29th of February may be eight years away.
_FURTHEST_DAYS = 8 * 366


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed schedule."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the next firing after the moment, in UTC; None when there is none in eight years."""
        first = moment.astimezone(self.zone).date()
        for ahead in range(_FURTHEST_DAYS):
            day = first + timedelta(days=ahead)
            if self._matches_day(day):
                later = [instant for instant in self._instants(day) if instant > moment]
                if later:
                    return min(later)
        return None

    def _matches_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (in_month and in_week) if self.any_day or self.any_weekday else (in_month or in_week)

    def _instants(self, day: date) -> Iterator[datetime]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                for fold in (0, 1):
                    instant = local.replace(fold=fold).astimezone(UTC)
                    # The way back differs for a local time that the clock skipped.
                    if instant.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                        yield instant


def parse_cron(schedule: object, zone: ZoneInfo) -> Cron:
    """Read five cron fields; 400 for anything else, or for a date that never comes."""
    fields = schedule.split() if isinstance(schedule, str) else []
    if len(fields) != len(_FIELDS):
        raise invalid_argument("Schedule must be five cron fields")
    minutes, hours, days, months, weekdays = (_parse_field(text, *bounds) for text, bounds in zip(fields, _FIELDS, strict=True))
    sunday_is_zero = frozenset(day % 7 for day in weekdays)
    cron = Cron(minutes, hours, days, months, sunday_is_zero, fields[2].startswith("*"), fields[4].startswith("*"), zone)
    if cron.next_after(datetime.now(UTC)) is None:
        raise invalid_argument("Schedule never fires")
    return cron


def _parse_field(text: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _parse_part(part, name, low, high))


def _parse_part(part: str, name: str, low: int, high: int) -> range:
    match = _PART.fullmatch(part)
    if match is None:
        raise invalid_argument(f"Schedule has an unknown {name}: {part!r}")
    start = low if match[1] is None else int(match[1])
    open_ended = match[1] is None or (match[3] is not None and match[2] is None)
    end = high if open_ended else int(match[2] or match[1])
    step = int(match[3] or 1)
    if not low <= start <= end <= high or step == 0:
        raise invalid_argument(f"Schedule has a {name} out of range: {part!r}")
    return range(start, end + 1, step)
