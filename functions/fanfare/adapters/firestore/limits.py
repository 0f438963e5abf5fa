"""Rate counters in Firestore: one write that increments and answers with the new value."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import datetime

from google.cloud.firestore import Client as Firestore
from google.cloud.firestore import Increment

from fanfare.adapters.firestore.client import translated
from fanfare.adapters.firestore.paths import collection_of
from fanfare.domain.errors import Unavailable
from fanfare.domain.limits import WINDOW, Budget, Usage, Window, block_of, left_of, parts_of, usage_of, window_at
from fanfare.ports import Clock

WAIT_SECONDS = 1.0
"""A limiter that is slow costs every request more than one that lets a request through."""
TRIES = 3
"""Parts that one request is counted in at most, where the first ones are used up."""


@dataclass(slots=True)
class _Minute:
    """What an instance knows of one budget in one minute: the parts that are used up, and the requests that it has taken and not used."""

    started_at: datetime
    spent: set[int] = field(default_factory=set)
    taken: list[tuple[Window, int]] = field(default_factory=list)


class FirestoreRateLimiter:
    """`tenants/{t}/limits/{caller-group-minute-part}`, removed by their TTL field. May over-count a re-sent commit; never under-counts.

    An instance remembers which parts are used up: a caller that is over its limit costs no write, and no part's requests are refused while another
    part is known to have some left.
    """

    def __init__(self, firestore: Firestore, clock: Clock) -> None:
        self._firestore = firestore
        self._clock = clock
        self._turns = itertools.count()
        self._minutes: dict[Budget, _Minute] = {}
        self._lock = threading.Lock()
        self.failures = 0

    def use(self, budget: Budget) -> Usage:
        """Count a request; Unavailable if it can't be done in a second."""
        now = self._clock.now()
        for _ in range(TRIES):
            place = self._take(budget, now) or self._take_block(budget, now)
            if place is None:
                break
            usage = usage_of(*place, now)
            if usage.allowed:
                return usage
        return usage_of(window_at(budget, now, 0), budget.limit + 1, now)

    def _minute(self, budget: Budget, now: datetime) -> _Minute:
        """What is known of the present minute; what was known of others goes with its first request."""
        started_at = window_at(budget, now, 0).started_at
        known = self._minutes.get(budget)
        if known is None or known.started_at != started_at:
            self._minutes = {other: minute for other, minute in self._minutes.items() if minute.started_at == started_at}
            known = self._minutes[budget] = _Minute(started_at)
        return known

    def _take(self, budget: Budget, now: datetime) -> tuple[Window, int] | None:
        """A request out of a block that this instance holds, as its part and its number there."""
        with self._lock:
            taken = self._minute(budget, now).taken
            return taken.pop() if taken else None

    def _take_block(self, budget: Budget, now: datetime) -> tuple[Window, int] | None:
        """Take a block out of the next part that is not known to be used up, and the first request of it; None if all parts are."""
        window = self._next_part(budget, now)
        if window is None:
            return None
        block = block_of(budget.limit)
        count = self._add(window, block)
        first = count - block + 1
        last = min(count, first - 1 + left_of(window, first - 1))
        with self._lock:
            minute = self._minute(budget, now)
            if not left_of(window, count):
                minute.spent.add(window.part)
            if minute.started_at == window.started_at:
                # The last one is popped first.
                minute.taken += [(window, number) for number in range(last, first, -1)]
        return window, first

    def _next_part(self, budget: Budget, now: datetime) -> Window | None:
        turn, parts = next(self._turns), parts_of(budget.limit)
        with self._lock:
            spent = self._minute(budget, now).spent
            windows = (window_at(budget, now, turn + offset) for offset in range(parts))
            return next((window for window in windows if window.part not in spent), None)

    def _add(self, window: Window, number: int) -> int:
        reference = collection_of(self._firestore, window.budget.tenant, "limits").document(window.key)
        fields = {"n": Increment(number), "expires_at": window.started_at + 2 * WINDOW}
        try:
            with translated():
                result = reference.set(fields, merge=True, retry=None, timeout=WAIT_SECONDS)
        except Unavailable:
            self.failures += 1
            raise
        return int(result.transform_results[0].integer_value)
