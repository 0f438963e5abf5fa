"""The attempts of this instance that are under way, in memory: each instance has its own threads to share out."""

from __future__ import annotations

import threading
from collections import Counter

from fanfare.domain.endpoint_health import may_attempt

MOST_TRIED = 10_000


class MemoryEndpointSlots:
    """Counts the attempts to each endpoint, and remembers whether it was quick when it was tried last."""

    def __init__(self) -> None:
        self._in_flight: Counter[str] = Counter()
        self._tried: dict[str, bool] = {}
        self._lock = threading.Lock()

    def enter(self, endpoint: str) -> bool:
        """Begin an attempt to an endpoint; False: too many are under way to it."""
        with self._lock:
            is_free = may_attempt(self._in_flight, self._tried, endpoint)
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
        if len(self._tried) >= MOST_TRIED:
            self._tried.clear()
        self._tried[endpoint] = not slow
