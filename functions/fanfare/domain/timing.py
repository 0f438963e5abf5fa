"""When something is to be sent, as a caller says it, and the rule that this means.

| says | the rule's start |
|---|---|
| `at` | what the clocks of the zone show at that instant |
| `date` and `local_time` | just that |
| `local_time`, daily | that time of today, or of tomorrow if it is past |
| `date`, cron | that day's beginning |
| nothing, cron | now |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.local_reading import check_bounds, read_start, read_time
from fanfare.domain.recurrence import Recurrence, Repeat, first_anywhere, instant_of
from fanfare.domain.schedule import DEFAULT_GRACE_SECONDS, Missed
from fanfare.domain.setting_rules import read_timezone

RECIPIENT = "recipient"
"""The time zone of each recipient, instead of a zone's name."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When, how often and until when. `timezone` is a zone's name, `recipient`, or None for the tenant's; `repeat` None is told by `cron`."""

    at: datetime | None = None
    date: str | None = None
    local_time: str | None = None
    timezone: str | None = None
    repeat: Repeat | None = None
    cron: str | None = None
    ends_at: datetime | None = None
    max_occurrences: int | None = None
    on_missed: Missed = Missed.SEND
    grace_seconds: int = DEFAULT_GRACE_SECONDS


def zone_of(timing: Timing, usual: str) -> str | None:
    """The zone on whose clocks the rule is, or None for each recipient's own; `usual` where nothing is said. InvalidRequest."""
    if timing.timezone is None:
        return usual
    return None if timing.timezone == RECIPIENT else read_timezone(timing.timezone)


def rule_of(timing: Timing, zone: str | None, now: datetime) -> tuple[Recurrence, str | None]:
    """The rule that is meant, and the zone that it is in; InvalidRequest names the field that is wrong, missing or beside another.

    An instant that fires once is kept in UTC where the zone's clocks show its time twice and it is the second.
    """
    repeat = _repeat_of(timing)
    if timing.at is None:
        return Recurrence(repeat, _start_of(timing, repeat, zone, now), timing.cron), zone
    if timing.date is not None or timing.local_time is not None:
        raise InvalidRequest.at("at", "can't be combined with date and local_time")
    if zone is None:
        raise InvalidRequest.at("at", "is one instant for everybody; in the recipients' zones give date and local_time")
    at = timing.at.astimezone(UTC).replace(microsecond=0)
    check_bounds(at.replace(tzinfo=None), "at")
    start = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if repeat is Repeat.NONE and instant_of(start, ZoneInfo(zone)) != at:
        return Recurrence(repeat, at.replace(tzinfo=None)), "UTC"
    return Recurrence(repeat, start, timing.cron), zone


def start_field(timing: Timing) -> str:
    """The field that says when it starts."""
    return "at" if timing.at is not None else "date" if timing.date is not None else "local_time"


def _repeat_of(timing: Timing) -> Repeat:
    if timing.cron is None:
        if timing.repeat is Repeat.CRON:
            raise InvalidRequest.at("cron", "is needed where repeat is cron")
        return timing.repeat or Repeat.NONE
    if timing.repeat not in (None, Repeat.CRON):
        raise InvalidRequest.at("cron", f"can't be combined with repeat {timing.repeat}")
    return Repeat.CRON


def _start_of(timing: Timing, repeat: Repeat, zone: str | None, now: datetime) -> datetime:
    if timing.date is not None:
        if timing.local_time is None and repeat is not Repeat.CRON:
            raise InvalidRequest.at("local_time", "is needed beside date")
        return read_start(timing.date, timing.local_time or "00:00")
    if timing.local_time is not None and repeat is Repeat.DAILY:
        return _next_daily(read_time(timing.local_time, "local_time"), zone, now)
    if timing.local_time is not None:
        raise InvalidRequest.at("date", "is needed beside local_time, but for what repeats daily")
    if repeat is not Repeat.CRON:
        raise InvalidRequest.at("at", "is needed, or date and local_time")
    return now.astimezone(UTC if zone is None else ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)


def _next_daily(time_of_day: time, zone: str | None, now: datetime) -> datetime:
    today = now.astimezone(UTC if zone is None else ZoneInfo(zone)).date()
    days = (datetime.combine(today + timedelta(days=number), time_of_day) for number in range(-1, 4))
    return next(day for day in days if (first_anywhere(day) if zone is None else instant_of(day, ZoneInfo(zone))) > now)
