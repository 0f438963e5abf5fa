"""What FCM answered an instance lately, tenant by tenant, in memory: the brake looks at small sends together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fanfare.domain.brake import Tally, within_window

MOST_TALLIES = 1_000
MOST_TENANTS = 10_000


class MemoryAnswerWindow:
    """Keeps the tallies of the last minutes. Each instance knows its own, which is enough: a wrong credential shows everywhere."""

    def __init__(self) -> None:
        self._tallies: dict[str, list[Tally]] = {}
        self._lock = threading.Lock()

    def add(self, tenant: str, tally: Tally) -> Sequence[Tally]:
        """Add a pass's answers and return all that count at its time, the new ones last."""
        with self._lock:
            if len(self._tallies) >= MOST_TENANTS:
                self._tallies.clear()
            kept = [*within_window(self._tallies.get(tenant, ()), tally.at), tally][-MOST_TALLIES:]
            self._tallies[tenant] = kept
            return kept

    def forget(self, tenant: str) -> None:
        """Begin anew: what was seen has been judged."""
        with self._lock:
            self._tallies.pop(tenant, None)
