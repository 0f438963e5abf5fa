"""Days and times of day as anybody may have written them: of a real calendar, or InvalidRequest names the field."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from fanfare.domain.errors import InvalidRequest

EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2199, 12, 31)  # noqa: DTZ001 - a wall clock's times, of no zone
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(?::\d\d)?\Z", re.ASCII)


def read_date(text: object, field: str) -> date:
    """A day such as 2026-12-24; InvalidRequest."""
    if not isinstance(text, str) or not _DATE.match(text):
        raise InvalidRequest.at(field, "must be a day such as 2026-12-24")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest.at(field, "is no day of the calendar") from error


def read_time(text: object, field: str) -> time:
    """A time of day such as 09:00 or 09:00:30; InvalidRequest."""
    if not isinstance(text, str) or not _TIME.match(text):
        raise InvalidRequest.at(field, "must be a time of day such as 09:00")
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest.at(field, "is no time of day") from error


def read_start(day: object, time_of_day: object) -> datetime:
    """The local time of a day and a time of day, between the years 2000 and 2199; InvalidRequest."""
    start = datetime.combine(read_date(day, "date"), read_time(time_of_day, "local_time"))
    check_bounds(start, "date")
    return start


def check_bounds(start: datetime, field: str) -> None:
    """InvalidRequest unless a local time lies between the years 2000 and 2199."""
    if not EARLIEST <= start <= LATEST:
        raise InvalidRequest.at(field, "must lie between the years 2000 and 2199")
