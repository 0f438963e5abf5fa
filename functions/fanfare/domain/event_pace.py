"""When the events of a tenant are read for those who follow them.

A listener of the database tells the time of the newest event, and nothing depends on that being true, complete or in time:

| the listener | the ledger is read |
|---|---|
| told of an event that was not read yet | `CURSOR_LAG` after its time, then twice a second until the newest one was read |
| told of nothing new | every thirty seconds: what it lost is found |
| is gone | every two seconds, until there is another one |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fanfare.domain.event import CURSOR_LAG

AGAIN = timedelta(seconds=0.5)
UNHEARD = timedelta(seconds=30)
DEAF = timedelta(seconds=2)
FAILS_FOR = timedelta(seconds=30)
"""How long the ledger may refuse to be read before those who follow are told."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the ledger was read: at `read_at`, up to `until`. `expected` is the earliest event that was heard of since, `newest` the latest."""

    read_at: datetime
    until: datetime
    expected: datetime | None = None
    newest: datetime | None = None


def heard(reading: Reading, at: datetime) -> Reading:
    """Note that there is an event of this time."""
    if at <= reading.until:
        return reading
    return replace(reading, expected=min(reading.expected or at, at), newest=max(reading.newest or at, at))


def has_read(reading: Reading, now: datetime, until: datetime) -> Reading:
    """Note that the ledger was read up to a time; between there and the newest event others may stand that were not heard of."""
    is_behind = reading.newest is not None and reading.newest > until
    return Reading(now, until, until if is_behind else None, reading.newest if is_behind else None)


def has_failed(reading: Reading, now: datetime) -> Reading:
    """Note that the ledger could not be read: it is tried again soon."""
    return replace(reading, read_at=now, expected=reading.until)


def next_read_at(reading: Reading, *, is_listening: bool) -> datetime:
    """When to read next."""
    by_itself = reading.read_at + (UNHEARD if is_listening else DEAF)
    if reading.expected is None:
        return by_itself
    return min(by_itself, max(reading.expected + CURSOR_LAG, reading.read_at + AGAIN))
