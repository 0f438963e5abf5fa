"""How the things that we depend on are: asked at most every ten seconds, by a request that would rather not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from fanfare.domain.health import ComponentHealth, State
from fanfare.ports import Clock

FRESH = timedelta(seconds=10)
GIVEN_UP = timedelta(seconds=20)
"""A probe that has not come back within this is down: each has a limit of a few seconds of its own, and holds none of the others up."""
WAIT_SECONDS = 1.0
"""The very first request waits this long for a state; afterwards the last known one is shown while a new one is looked for."""
THREADS = "health"

Probe = Callable[[], Sequence[str] | None]
"""Asks a component, and raises if it does not answer; what it returns is wrong with it."""


class _Component:
    """One component: its last known state, told once it `has_answered`, and the thread in which it is asked: one that hangs holds up nobody."""

    def __init__(self, clock: Clock, probe: Probe, answered: threading.Condition) -> None:
        self._clock = clock
        self._probe = probe
        self._answered = answered
        self._state = ComponentHealth()
        self._asked_at: datetime | None = None
        self.has_answered = True

    def ask_if_stale(self, now: datetime) -> None:
        """Ask, unless it was asked just now or is being asked still."""
        if self.has_answered and (self._asked_at is None or now - self._asked_at >= FRESH):
            self._asked_at, self.has_answered = now, False
            threading.Thread(target=self._ask, daemon=True, name=THREADS).start()

    def known(self, now: datetime) -> ComponentHealth:
        """Its last known state."""
        hangs = not self.has_answered and self._asked_at is not None and now - self._asked_at >= GIVEN_UP
        return ComponentHealth(State.DOWN) if hangs else self._state

    def _ask(self) -> None:
        state = self._look()
        with self._answered:
            self._state, self.has_answered = state, True
            self._answered.notify_all()

    def _look(self) -> ComponentHealth:
        started = self._clock.now()
        try:
            problems = tuple(self._probe() or ())
        except Exception:  # noqa: BLE001 - whatever a probe stumbles over, no old state may stand
            return ComponentHealth(State.DOWN)
        millis = round((self._clock.now() - started).total_seconds() * 1000, 1)
        return ComponentHealth(State.DEGRADED if problems else State.OK, millis, problems)


class CachedHealth:
    """Runs the probes beside each other, each one at a time."""

    def __init__(self, clock: Clock, probes: Mapping[str, Probe]) -> None:
        self._clock = clock
        self._answered = threading.Condition()
        self._components = {name: _Component(clock, probe, self._answered) for name, probe in probes.items()}
        self._is_first = True

    def check(self) -> Mapping[str, ComponentHealth]:
        """The last known state of each component."""
        with self._answered:
            now = self._clock.now()
            for component in self._components.values():
                component.ask_if_stale(now)
            if self._is_first:
                self._is_first = False
                self._answered.wait_for(self._have_all_answered, WAIT_SECONDS)
            now = self._clock.now()
            return {name: component.known(now) for name, component in self._components.items()}

    def _have_all_answered(self) -> bool:
        return all(component.has_answered for component in self._components.values())
