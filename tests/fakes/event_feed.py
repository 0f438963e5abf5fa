"""The feed of events in memory: time passes where somebody waits for the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from fanfare.domain.event import CURSOR_LAG
from fanfare.domain.event_cursor import EventPlace, place_of
from fanfare.ports.events import Events
from tests.fakes.events import MemoryEventStore
from tests.fakes.system import FixedClock

PAGE = 100


class MemoryEventFeed:
    """Follows a MemoryEventStore. Whoever finds nothing waits: the clock moves on, and `meanwhile` is called. `followers` counts who follows now."""

    def __init__(self, events: MemoryEventStore, clock: FixedClock) -> None:
        self._events = events
        self._clock = clock
        self.meanwhile: Callable[[], None] = lambda: None
        self.followers = 0

    def follow(self, tenant: str, after: EventPlace, wait_seconds: float, *, notification_id: str | None = None) -> Events:
        self.followers += 1
        try:
            while True:
                found = self._events.read_after(tenant, after, self._clock.now() - CURSOR_LAG, PAGE, notification_id=notification_id)
                after = place_of(found[-1]) if found else after
                if not found:
                    self._clock.advance(timedelta(seconds=wait_seconds))
                    self.meanwhile()
                yield found
        finally:
            self.followers -= 1
