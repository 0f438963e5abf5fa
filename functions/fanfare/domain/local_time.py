"""One local time for many zones: when it comes to each recipient, and what becomes of those to whom it came too long ago.

| a recipient's zone | it comes |
|---|---|
| is known | by the rules of `recurrence`: a skipped time at the next valid instant, a repeated one the first time |
| is missing, or unknown to the database of zones | as in the tenant's own zone |
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from fanfare.domain.recurrence import instant_of

Row = TypeVar("Row")
_MOST_ZONES = 2_000
"""What apps say is kept for so many names: there are about six hundred zones."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """When a notification is sent to each of its recipients: at `at` (naive, to the second) of their own clocks.

    `zone` is the tenant's, for who has none. Whom it came to more than `grace_seconds` before the notification was made is not sent to.
    """

    at: datetime
    zone: str
    grace_seconds: int

    def earliest(self, created_at: datetime) -> datetime:
        """The earliest instant that a notification made at `created_at` still makes up for."""
        return created_at - timedelta(seconds=self.grace_seconds)


def instant_in_zone(local: LocalTime, zone: str | None) -> datetime:
    """When it comes to somebody who says to be in a zone."""
    found = _zone(zone) or _zone(local.zone)
    return instant_of(local.at, found or ZoneInfo("UTC"))


def instants_anywhere(local: LocalTime) -> tuple[datetime, ...]:
    """Every instant at which it comes to some zone of the database, in their order: about forty."""
    return tuple(sorted({instant_in_zone(local, zone) for zone in available_timezones()}))


def places_in_time(local: LocalTime, dues: Sequence[datetime]) -> Callable[[str | None], int]:
    """Tell the place of a zone's instant among all: the next one where it is none of them, as in a newer database, and the last one after them."""
    return cache(lambda zone: min(bisect_left(dues, instant_in_zone(local, zone)), len(dues) - 1))


def group_by_place(rows: Iterable[tuple[Row, str | None]], place_of: Callable[[str | None], int]) -> dict[int, list[Row]]:
    """Rows, each with its zone, by the place of their instants."""
    groups: dict[int, list[Row]] = {}
    for row, zone in rows:
        groups.setdefault(place_of(zone), []).append(row)
    return dict(sorted(groups.items()))


@lru_cache(_MOST_ZONES)
def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A name with a NUL, one that is a directory, one that is too long for a file.
        return None
