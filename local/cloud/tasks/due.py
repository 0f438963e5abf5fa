"""Which waiting task goes out next: by due time, then by creation."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Entry = tuple[float, int, str, float]
"""(rank, sequence, name, due): ordered by rank, then by creation."""


class DueTasks:
    """Waiting names; ``advance`` moves what has become due to the ready ones. Removal is lazy: an entry counts while its due time is the live one."""

    def __init__(self) -> None:
        self._live: dict[str, float] = {}
        self._future: list[Entry] = []
        self._ready: list[Entry] = []

    def push(self, name: str, due: float, sequence: int) -> None:
        """Let the name wait until ``due``, in epoch seconds."""
        self._live[name] = due
        heapq.heappush(self._future, (due, sequence, name, due))

    def discard(self, name: str) -> None:
        """Forget the name, waiting or not."""
        self._live.pop(name, None)

    def clear(self) -> None:
        """Forget every name."""
        self._live.clear()
        self._future.clear()
        self._ready.clear()

    def advance(self, now: float, rank: Callable[[float], float]) -> None:
        """Make ready what is due; ``rank`` maps a due time to its place in the order."""
        while self._future and self._future[0][0] <= now:
            due, sequence, name, _ = heapq.heappop(self._future)
            heapq.heappush(self._ready, (rank(due), sequence, name, due))

    def has_ready(self) -> bool:
        """Say whether ``pop`` has something to give."""
        self._drop_stale(self._ready)
        return bool(self._ready)

    def pop(self) -> str:
        """Remove and return the next ready name; call it only after ``has_ready``."""
        self._drop_stale(self._ready)
        name = heapq.heappop(self._ready)[2]
        del self._live[name]
        return name

    def next_due(self) -> float | None:
        """Return when the next name that is not ready becomes due."""
        self._drop_stale(self._future)
        return self._future[0][0] if self._future else None

    def _drop_stale(self, heap: list[Entry]) -> None:
        while heap and self._live.get(heap[0][2]) != heap[0][3]:
            heapq.heappop(heap)
