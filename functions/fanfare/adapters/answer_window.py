"""What FCM answered an instance lately, tenant by tenant, in memory: the brake looks at small sends together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from fanfare.domain.brake import Tally, within_window

MOST_TALLIES = 1_000
MOST_TENANTS = 10_000


class MemoryAnswerWindow:
    """Keeps the tallies of the last minutes. Each instance knows its own, which is enough: a wrong credential shows everywhere."""

    def __init__(self) -> None:
        self._tallies: dict[str, list[Tally]] = {}
        self._lock = threading.Lock()

    def recent(self, tenant: str, now: datetime) -> Sequence[Tally]:
        """The answers that count at `now`, the latest pass last."""
        with self._lock:
            return within_window(self._tallies.get(tenant, ()), now)

    def add(self, tenant: str, tally: Tally) -> None:
        """Remember the answers of a pass whose results are stored."""
        with self._lock:
            if len(self._tallies) >= MOST_TENANTS:
                self._tallies.clear()
            self._tallies[tenant] = [*within_window(self._tallies.get(tenant, ()), tally.at), tally][-MOST_TALLIES:]

    def forget(self, tenant: str) -> None:
        """Begin anew: what was seen has been judged."""
        with self._lock:
            self._tallies.pop(tenant, None)
