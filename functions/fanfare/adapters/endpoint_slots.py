"""The attempts of this instance that are under way, in memory: each instance has its own threads to share out."""

from __future__ import annotations

import threading
from collections import Counter

from fanfare.domain.endpoint_health import may_attempt

MOST_QUICK = 10_000


class MemoryEndpointSlots:
    """Counts the attempts to each endpoint, and remembers which ones were quick when they were tried last."""

    def __init__(self) -> None:
        self._in_flight: Counter[str] = Counter()
        self._quick: set[str] = set()
        self._lock = threading.Lock()

    def enter(self, endpoint: str) -> bool:
        """Begin an attempt to an endpoint; False: too many are under way to it."""
        with self._lock:
            is_free = may_attempt(self._in_flight, self._quick, endpoint)
            if is_free:
                self._in_flight[endpoint] += 1
            return is_free

    def leave(self, endpoint: str, *, slow: bool | None = None) -> None:
        """End an attempt that was begun; `slow` says whether it was slow, if it came to a post."""
        with self._lock:
            self._in_flight[endpoint] -= 1
            if self._in_flight[endpoint] <= 0:
                del self._in_flight[endpoint]
            if slow is not None:
                self._note(endpoint, slow=slow)

    def _note(self, endpoint: str, *, slow: bool) -> None:
        if slow:
            self._quick.discard(endpoint)
            return
        if len(self._quick) >= MOST_QUICK:
            self._quick.clear()
        self._quick.add(endpoint)
