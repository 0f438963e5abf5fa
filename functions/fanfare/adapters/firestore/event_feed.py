"""The feed of events in Firestore: one listener and one reader for each tenant that somebody on this instance follows, from the first to the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.event_listener import FirestoreEventListener
from fanfare.adapters.tenant_feed import Listener, TenantFeed
from fanfare.domain.event_cursor import EventPlace
from fanfare.ports import Clock, EventStore
from fanfare.ports.events import Events


class FirestoreEventFeed:
    """Follows `tenants/{t}/events`."""

    def __init__(self, firestore: Firestore, events: EventStore, clock: Clock) -> None:
        self._firestore = firestore
        self._events = events
        self._clock = clock
        self._feeds: dict[str, TenantFeed] = {}
        self._lock = threading.Lock()

    def follow(self, tenant: str, after: EventPlace, wait_seconds: float, *, notification_id: str | None = None) -> Events:
        """Yield a tenant's events after a place, in their order and each once, `CURSOR_LAG` after their time, as long as the iterator is asked."""
        with self._joined(tenant) as feed:
            place = after
            while True:
                events, place = feed.take(place, wait_seconds, notification_id)
                yield events

    @contextmanager
    def _joined(self, tenant: str) -> Iterator[TenantFeed]:
        feed = self._join(tenant)
        try:
            yield feed
        finally:
            self._leave(tenant, feed)

    def _join(self, tenant: str) -> TenantFeed:
        with self._lock:
            feed = self._feeds.get(tenant)
            if feed is None or feed.has_failed:
                feed = self._feeds[tenant] = TenantFeed(tenant, self._events, self._clock)
                threading.Thread(target=feed.run, args=(self._listen_to(tenant),), name=f"events of {tenant}", daemon=True).start()
            feed.followers += 1
            return feed

    def _leave(self, tenant: str, feed: TenantFeed) -> None:
        with self._lock:
            feed.followers -= 1
            if feed.followers:
                return
            if self._feeds.get(tenant) is feed:
                del self._feeds[tenant]
        feed.close()

    def _listen_to(self, tenant: str) -> Callable[[Callable[[datetime], None]], Listener]:
        return lambda heard: FirestoreEventListener(self._firestore, tenant, heard)
