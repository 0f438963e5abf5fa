"""The ledger of events, as a Protocol: they are written by the commits of what they tell of, and read here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from fanfare.domain.event import Event, StoredEvent


class EventPlace(NamedTuple):
    """A place in the order of events: after the one with this time and this id."""

    at: datetime
    id: str


class EventStore(Protocol):
    """The events of tenants."""

    def record(self, events: Sequence[Event]) -> None:
        """Store events, with their deliveries, of something that wrote nothing else (a test of a webhook)."""
        ...

    def get(self, tenant: str, event_id: str) -> StoredEvent | None:
        """Find one event."""
        ...

    def read_after(self, tenant: str, after: EventPlace, until: datetime, limit: int, *, notification_id: str | None = None) -> Sequence[StoredEvent]:
        """Read at most `limit` events after a place, of a server's time of `until` or earlier, in their order."""
        ...


class EventFeed(Protocol):
    """The events of a tenant as they come, to this instance."""

    def follow(self, tenant: str, after: EventPlace, wait_seconds: float) -> Iterator[Sequence[StoredEvent]]:
        """Yield a tenant's events after a place, in their order and each once, `CURSOR_LAG` after their time, as long as the iterator is asked.

        An empty sequence is yielded wherever nothing came for `wait_seconds`. Raises Unavailable where the database can't be followed any more.
        """
        ...
