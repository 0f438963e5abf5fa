"""The newest events of a tenant, kept for all who follow it: bounded, whatever they do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from fanfare.domain.event import StoredEvent
from fanfare.domain.event_cursor import EventPlace, place_of

MOST_EVENTS = 1_000
MOST_BYTES = 1024 * 1024
"""Of bodies. A chunk's event is some 75 KB: those of fourteen chunks."""


class EventWindow:
    """Every event after `begins` up to `ends`, in their order; the oldest fall out, and who had not seen them must read the ledger."""

    def __init__(self, place: EventPlace, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self.begins = self.ends = place
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._events: list[StoredEvent] = []
        self._bytes = 0

    def extend(self, events: Sequence[StoredEvent]) -> None:
        """Add what comes next."""
        self._events.extend(events)
        self._bytes += sum(len(event.body) for event in events)
        self.ends = place_of(events[-1]) if events else self.ends
        self._evict()

    def after(self, place: EventPlace, limit: int) -> Sequence[StoredEvent] | None:
        """The first events after a place, none where nothing came; None if some of them have fallen out."""
        if place < self.begins:
            return None
        first = bisect_right(self._events, place, key=place_of)
        return self._events[first : first + limit]

    def _evict(self) -> None:
        count = 0
        while len(self._events) - count > self._most_events or (self._bytes > self._most_bytes and count < len(self._events)):
            self._bytes -= len(self._events[count].body)
            count += 1
        if count:
            self.begins = place_of(self._events[count - 1])
            del self._events[:count]
