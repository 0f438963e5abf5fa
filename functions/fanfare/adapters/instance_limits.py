"""Counters of requests that this instance alone keeps."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime

from fanfare.domain.limits import Budget, Usage, started_of, usage_alone
from fanfare.ports import Clock


class InstanceRateLimiter:
    """Counts in memory, for the minute that it is.

    For callers that prove themselves by a receipt: each is counted by its message, so a counter in Firestore would cost a write for each request, and
    receipts cost more than anything else already (`make cost`). A caller that reaches several instances may do more; all it can reach is its own
    message.
    """

    failures = 0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute: datetime | None = None
        self._counters: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def use(self, budget: Budget) -> Usage:
        """Count a request and judge it; never Unavailable."""
        now = self._clock.now()
        with self._lock:
            if self._minute != started_of(now):
                self._minute, self._counters = started_of(now), Counter()
            self._counters[budget.tenant, budget.caller, budget.group] += 1
            return usage_alone(budget, self._counters[budget.tenant, budget.caller, budget.group], now)
