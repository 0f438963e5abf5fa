"""A per-instance cache whose entries live for a while, and longer while their source is down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from fanfare.domain.errors import Unavailable
from fanfare.ports import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
FRESH = timedelta(seconds=60)
"""A revoked client or a changed tenant is seen by every instance within this time."""
STALE = timedelta(minutes=10)
"""While the source does not answer, what was true this long ago is better than refusing everybody."""
LARGEST = 10_000


class ExpiringCache(Generic[K, V]):
    """Reads through `load`; refreshes inside requests, because a function has no CPU between them."""

    def __init__(self, clock: Clock, load: Callable[[K], V]) -> None:
        self._clock = clock
        self._load = load
        self._entries: dict[K, tuple[datetime, V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K, *, stale: timedelta = STALE) -> V:
        """Return the value, at most 60 seconds old, or as old as `stale` while the source is down; Unavailable beyond that."""
        now = self._clock.now()
        entry = self._entries.get(key)
        if entry is not None and now - entry[0] < FRESH:
            return entry[1]
        try:
            value = self._load(key)
        except Unavailable:
            if entry is not None and now - entry[0] < stale:
                return entry[1]
            raise
        self._keep(key, now, value)
        return value

    def forget(self, key: K) -> None:
        """Drop one entry, after this instance changed its source."""
        with self._lock:
            self._entries.pop(key, None)

    def _keep(self, key: K, now: datetime, value: V) -> None:
        with self._lock:
            if len(self._entries) >= LARGEST:
                self._entries.clear()
            self._entries[key] = (now, value)
