"""The state of the components, as a test says it is."""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.health import ComponentHealth, State

_COMPONENTS = ("firestore", "tasks", "secrets", "fcm", "scheduler")


class FixedHealth:
    """All is well unless a test says otherwise."""

    def __init__(self, states: Mapping[str, ComponentHealth] | None = None) -> None:
        self.states = dict(states if states is not None else dict.fromkeys(_COMPONENTS, ComponentHealth(State.OK, 1.5)))

    def check(self) -> Mapping[str, ComponentHealth]:
        return dict(self.states)
