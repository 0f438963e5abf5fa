"""Where a reader of events stands: a place in their order, which is (server time, id), and the signed cursor that a caller knows it by.

A place is always right after an event, or before or after all events of an instant: nobody's place moves on by time alone, so nothing that is
committed late is ever passed over.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from fanfare.domain.event import StoredEvent
from fanfare.domain.listing import encode_cursor, parse_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BELOW_ALL_IDS, _ABOVE_ALL_IDS = "!", "~"
"""Ids are base64url: all of its characters stand between these two."""


class EventPlace(NamedTuple):
    """A place in the order of events: after the one with this time and this id."""

    at: datetime
    id: str


BEGINNING = EventPlace(_EPOCH, _BELOW_ALL_IDS)
"""Before every event."""


def place_of(event: StoredEvent) -> EventPlace:
    """The place right after an event."""
    return EventPlace(event.created_at, event.id)


def before(at: datetime) -> EventPlace:
    """The place before everything of an instant."""
    return max(BEGINNING, EventPlace(at, _BELOW_ALL_IDS))


def after(at: datetime) -> EventPlace:
    """The place after everything of an instant."""
    return EventPlace(at, _ABOVE_ALL_IDS)


def encode_place(key: bytes, query: str, place: EventPlace) -> str:
    """Sign a place as a cursor of this query."""
    return encode_cursor(key, query, f"{(place.at - _EPOCH) // _MICROSECOND}.{place.id}")


def parse_place(key: bytes, query: str, cursor: str, *, field: str) -> EventPlace:
    """Read a cursor of this very query; InvalidRequest names the field on anything else."""
    micros, _, event_id = parse_cursor(key, query, cursor, field=field).partition(".")
    return EventPlace(_EPOCH + int(micros) * _MICROSECOND, event_id)
