"""The lanes of tenants' broadcasts in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from fanfare.domain.pacing import Pacing

T = TypeVar("T")


class MemoryPacingStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[tuple[str, str], Pacing] = {}

    def get(self, tenant: str, lane: str) -> Pacing:
        return self._lanes.get((tenant, lane), Pacing())

    def reserve(self, tenant: str, lane: str, decide: Callable[[Pacing], tuple[T, Pacing | None]]) -> T:
        with self._lock:
            decided, pacing = decide(self.get(tenant, lane))
            if pacing is not None:
                self._lanes[tenant, lane] = pacing
        return decided
