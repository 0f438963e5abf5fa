"""When something recurs: first on a wall clock that belongs to no zone, then as instants of one.

| a local time that | fires |
|---|---|
| is there once | then |
| a change of the clock skips | at the next valid instant, when the clock has been set forward |
| a change of the clock repeats | the first time it is there, and not again |

Two local times that become one instant by this fire once. The 31st of a shorter month is its last day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import takewhile

CronTimes = Callable[[str, datetime], datetime | None]
"""The next local time after another one at which a cron expression fires; None if there is none within many years."""
LATEST = datetime(9998, 12, 31)  # noqa: DTZ001 - a wall clock's time, of no zone
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
"""The furthest zones east and west of Greenwich: a local time comes to somebody first and to somebody last."""


class Repeat(StrEnum):
    """How something recurs."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule on a wall clock: from `start` on (naive), every day, week or month at its time, or as `cron` says."""

    repeat: Repeat
    start: datetime
    cron: str | None = None


def local_times(rule: Recurrence, after: datetime | None, cron_times: CronTimes) -> Iterator[datetime]:
    """The rule's local times (naive) in their order, from its start or strictly after a local time."""
    if rule.repeat is Repeat.CRON:
        return _cron_times(rule, after, cron_times)
    return (time for time in _regular_times(rule, after) if after is None or time > after)


def _cron_times(rule: Recurrence, after: datetime | None, cron_times: CronTimes) -> Iterator[datetime]:
    # A start that is itself a time of the expression counts.
    before_start = rule.start - timedelta(seconds=1)
    last = before_start if after is None or after < before_start else after
    while (following := cron_times(rule.cron or "", last)) is not None:
        yield following
        last = following


def _regular_times(rule: Recurrence, after: datetime | None) -> Iterator[datetime]:
    """The times from a little before `after` on, without counting up to it from the start."""
    number = 0 if after is None else max(0, _passed(rule, after) - 1)
    while (time := _numbered(rule, number)) is not None:
        yield time
        number += 1


def _passed(rule: Recurrence, after: datetime) -> int:
    """About how many times have passed by then."""
    if rule.repeat is Repeat.MONTHLY:
        return (after.year - rule.start.year) * 12 + after.month - rule.start.month
    return (after - rule.start).days // (7 if rule.repeat is Repeat.WEEKLY else 1)


def _numbered(rule: Recurrence, number: int) -> datetime | None:
    """The rule's n-th time, from 0; None where there are no more, or the calendar ends."""
    if rule.repeat is Repeat.NONE:
        return rule.start if number == 0 else None
    if rule.repeat is Repeat.MONTHLY:
        return _months_later(rule.start, number)
    step = timedelta(weeks=number) if rule.repeat is Repeat.WEEKLY else timedelta(days=number)
    return rule.start + step if step <= LATEST - rule.start else None


def _months_later(start: datetime, months: int) -> datetime | None:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > LATEST.year:
        return None
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """The instant (UTC) of a local time in a zone, by the table above."""
    first = local.replace(tzinfo=zone, fold=0)
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # Skipped: read with the offset from before the change it lies after it by as much as it is too early in the gap.
    offset_before, offset_after = first.utcoffset() or timedelta(), local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    return _change_between((local - offset_after).replace(tzinfo=UTC), (local - offset_before).replace(tzinfo=UTC), zone)


def _change_between(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """The first instant, to the second, at which the zone has the later one's offset."""
    offset = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late


def instants(rule: Recurrence, zone: tzinfo, after: datetime, cron_times: CronTimes) -> Iterator[datetime]:
    """The rule's instants (UTC) in a zone, strictly after one, each once."""
    # A day earlier on the wall clock: whatever the zone has done to its clock, nothing that is due later begins before.
    since = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    last = after
    for local in local_times(rule, since if since > rule.start else None, cron_times):
        instant = instant_of(local, zone)
        if instant > last:
            yield instant
            last = instant


def first_anywhere(local: datetime) -> datetime:
    """The instant (UTC) at which a local time comes to the first people on earth."""
    return (local - _EAST).replace(tzinfo=UTC)


def last_anywhere(local: datetime) -> datetime:
    """The instant (UTC) by which a local time has come to everybody, skipped or not."""
    return (local + _WEST + timedelta(hours=1)).replace(tzinfo=UTC)


def until(times: Iterator[datetime], end: datetime | None) -> Iterator[datetime]:
    """Times up to an end, which belongs to them."""
    return times if end is None else takewhile(lambda time: time <= end, times)
