"""The ledger of events, as Protocols: they are written by the commits of what they tell of, and read or followed here."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.event import Event, StoredEvent
from fanfare.domain.event_cursor import EventPlace

Events = Generator[Sequence[StoredEvent], None, None]
"""Batches of events, as long as somebody asks for the next one."""


class EventStore(Protocol):
    """The events of tenants."""

    def record(self, events: Sequence[Event]) -> None:
        """Store events, with their deliveries, of something that wrote nothing else (a test of a webhook)."""
        ...

    def get(self, tenant: str, event_id: str) -> StoredEvent | None:
        """Find one event."""
        ...

    def get_many(self, tenant: str, event_ids: Sequence[str]) -> Sequence[StoredEvent | None]:
        """Find events in one call, in the order asked for."""
        ...

    def read_after(self, tenant: str, after: EventPlace, until: datetime, limit: int, *, notification_id: str | None = None) -> Sequence[StoredEvent]:
        """Read at most `limit` events after a place, of a server's time of `until` or earlier, in their order."""
        ...


class EventFeed(Protocol):
    """The events of a tenant as they come, to this instance."""

    def follow(self, tenant: str, after: EventPlace, wait_seconds: float, *, notification_id: str | None = None) -> Events:
        """Yield a tenant's events after a place, in their order and each once, `CURSOR_LAG` after their time, as long as the iterator is asked.

        An empty sequence is yielded wherever nothing came for `wait_seconds`. With `notification_id` those of other notifications may be left out;
        that is only a saving. Raises Unavailable where the database can't be followed any more. Whoever stops asking closes the iterator.
        """
        ...
