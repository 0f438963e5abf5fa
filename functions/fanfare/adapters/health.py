"""How the things that we depend on are: asked at most every ten seconds, by a request that would rather not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from fanfare.domain.health import ComponentHealth, State
from fanfare.ports import Clock

FRESH = timedelta(seconds=10)
WAIT_SECONDS = 1.0
"""The very first request waits this long for a state; afterwards the last known one is shown while a new one is looked for."""


class CachedHealth:
    """Runs the probes in a thread of their own, one at a time, so that a hanging component holds up nobody."""

    def __init__(self, clock: Clock, probes: Mapping[str, Callable[[], object]]) -> None:
        self._clock = clock
        self._probes = probes
        self._states = dict.fromkeys(probes, ComponentHealth())
        self._asked_at: datetime | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def check(self) -> Mapping[str, ComponentHealth]:
        """The last known state of each component."""
        now = self._clock.now()
        with self._lock:
            first = self._asked_at is None
            stale = self._asked_at is None or now - self._asked_at >= FRESH
            if stale and not (self._thread and self._thread.is_alive()):
                self._asked_at = now
                self._thread = threading.Thread(target=self._ask_all, daemon=True)
                self._thread.start()
            asking = self._thread
        if first and asking:
            asking.join(WAIT_SECONDS)
        return dict(self._states)

    def _ask_all(self) -> None:
        for component, probe in self._probes.items():
            self._states[component] = self._ask(probe)

    def _ask(self, probe: Callable[[], object]) -> ComponentHealth:
        started = self._clock.now()
        try:
            probe()
        except Exception:  # noqa: BLE001 - whatever a probe stumbles over, the others must still be asked and no old state may stand
            return ComponentHealth(State.DOWN)
        return ComponentHealth(State.OK, round((self._clock.now() - started).total_seconds() * 1000, 1))
