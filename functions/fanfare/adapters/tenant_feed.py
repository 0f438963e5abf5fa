"""One tenant's events as they come, read once for all of this instance's connections that follow them.

A thread reads the ledger when `event_pace.py` says so, told by a listener that there is something to read. Whoever falls behind the window of the
newest events reads the ledger itself from where it stands: nobody's slowness costs another one memory or time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.adapters.event_window import MOST_EVENTS, EventWindow
from fanfare.domain.errors import Unavailable
from fanfare.domain.event import CURSOR_LAG, StoredEvent
from fanfare.domain.event_cursor import EventPlace, after, place_of
from fanfare.domain.event_pace import FAILS_FOR, Reading, has_failed, has_read, heard, next_read_at
from fanfare.ports import Clock, EventStore

PAGE = 100
_LOOK_SECONDS = 0.1
_LOST = "The events can't be followed any more."


class Listener(Protocol):
    """What tells of new events, until it is closed or dies."""

    @property
    def is_alive(self) -> bool:
        """Whether it would still tell."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class TenantFeed:
    """Read by `run`, in a thread of its own, and taken from by all others. `followers` is its owner's to count."""

    def __init__(self, tenant: str, events: EventStore, clock: Clock, *, most_events: int = MOST_EVENTS) -> None:
        self._tenant = tenant
        self._events = events
        self._clock = clock
        now = clock.now()
        self._window = EventWindow(after(now - CURSOR_LAG), most_events=most_events)
        self._reading = Reading(now, now - CURSOR_LAG)
        # Two bells on one lock: that something may be read concerns the reader alone, that something was read its followers.
        lock = threading.Lock()
        self._rung, self._news = threading.Condition(lock), threading.Condition(lock)
        self._closed = False
        self._failing_since: datetime | None = None
        self._told = now - CURSOR_LAG
        self._has_missed = False
        self.followers = 0
        self.has_failed = False

    def run(self, listen: Callable[[Callable[[datetime], None]], Listener]) -> None:
        """Read for the followers until the feed is closed; `listen` opens a listener that calls with the time of each event that it learns of."""
        listener: Listener | None = None
        try:
            while not self._closed:
                listener = listener or listen(self.hear)
                is_listening = listener.is_alive
                was_due = self.read_if_due(is_listening=is_listening)
                if was_due and (self._has_missed or not is_listening):
                    listener.close()
                    listener = None
                else:
                    self._rest()
        except Exception:
            # Whatever it was, nobody may wait for this thread any more.
            self._fail()
            raise
        finally:
            if listener is not None:
                listener.close()

    def close(self) -> None:
        """Ask `run` to end."""
        with self._rung:
            self._closed = True
            self._rung.notify_all()

    def hear(self, at: datetime) -> None:
        """Note that there is an event of this time."""
        with self._rung:
            self._told = max(self._told, at)
            self._reading = heard(self._reading, at)
            self._rung.notify_all()

    def read_if_due(self, *, is_listening: bool) -> bool:
        """Read what came since the last time, if it is time to; tells whether it was."""
        was_due = False
        while not self._closed and (now := self._clock.now()) >= next_read_at(self._reading, is_listening=is_listening):
            was_due = True
            try:
                self._read(now)
            except Unavailable:
                self._note_failure(now)
        return was_due

    def take(self, place: EventPlace, wait_seconds: float, notification_id: str | None) -> tuple[Sequence[StoredEvent], EventPlace]:
        """The next events after a place, and the place after them; none after having waited in vain. Unavailable if nobody reads any more."""
        with self._news:
            found = self._window.after(place, PAGE)
            if found is not None and not found and not self.has_failed:
                self._news.wait(wait_seconds)
                found = self._window.after(place, PAGE)
            if self.has_failed:
                raise Unavailable(_LOST)
        if found is None:
            return self._catch_up(place, notification_id)
        return found, place_of(found[-1]) if found else place

    def _catch_up(self, place: EventPlace, notification_id: str | None) -> tuple[Sequence[StoredEvent], EventPlace]:
        """Read the ledger for one follower, who then stands where that reading ended."""
        until = self._clock.now() - CURSOR_LAG
        found = self._events.read_after(self._tenant, place, until, PAGE, notification_id=notification_id)
        return found, place_of(found[-1]) if len(found) == PAGE else max(place, after(until))

    def _read(self, now: datetime) -> None:
        until = now - CURSOR_LAG
        found = self._events.read_after(self._tenant, self._window.ends, until, PAGE)
        with self._news:
            self._failing_since = None
            self._window.extend(found)
            # An event is told of within moments, and read after seconds: a listener that did not is deaf, whatever it says of itself.
            self._has_missed = bool(found) and found[-1].created_at > self._told
            if len(found) < PAGE:
                self._reading = has_read(self._reading, now, until)
            if found:
                self._news.notify_all()

    def _note_failure(self, now: datetime) -> None:
        with self._rung:
            self._failing_since = self._failing_since or now
            self._reading = has_failed(self._reading, now)
        if now - self._failing_since >= FAILS_FOR:
            self._fail()

    def _fail(self) -> None:
        with self._news:
            self.has_failed = self._closed = True
            self._news.notify_all()

    def _rest(self) -> None:
        with self._rung:
            if not self._closed:
                self._rung.wait(_LOOK_SECONDS)
