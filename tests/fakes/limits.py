"""Rate counters in memory."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

from fanfare.domain.errors import Unavailable
from fanfare.domain.limits import Budget, Usage, usage_of, window_at
from fanfare.ports import Clock
from tests.fakes.system import FixedClock


class MemoryRateLimiter:
    """`down` makes it answer nobody."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.down = False
        self.failures = 0
        self._clock = clock or FixedClock()
        self._counters: Counter[str] = Counter()
        self._turns = itertools.count()
        self._lock = threading.Lock()

    def use(self, budget: Budget) -> Usage:
        if self.down:
            self.failures += 1
            raise Unavailable("Firestore does not answer.")
        with self._lock:
            now = self._clock.now()
            window = window_at(budget, now, next(self._turns))
            self._counters[f"{budget.tenant}/{window.key}"] += 1
            return usage_of(window, self._counters[f"{budget.tenant}/{window.key}"], now)
