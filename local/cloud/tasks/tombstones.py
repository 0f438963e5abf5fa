"""Names of tasks that are gone but may not be used again yet."""

from __future__ import annotations

from collections import deque

# About an hour, says the documentation of task de-duplication.
TOMBSTONE_SECONDS = 3600.0


class Tombstones:
    """Holds a name for ``TOMBSTONE_SECONDS`` after its task ended. Time is a parameter, in seconds, and never goes back."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._order: deque[tuple[float, str]] = deque()

    def add(self, name: str, now: float) -> None:
        """Hold the name from now on."""
        end = now + TOMBSTONE_SECONDS
        self._ends[name] = end
        self._order.append((end, name))

    def holds(self, name: str, now: float) -> bool:
        """Say whether the name is still taken."""
        while self._order and self._order[0][0] <= now:
            end, old = self._order.popleft()
            if self._ends.get(old) == end:
                del self._ends[old]
        return name in self._ends
