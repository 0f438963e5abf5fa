"""How a component is that we depend on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`UNKNOWN` until the first answer."""

    OK = "ok"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """A component's last known state and how long it took to tell, in milliseconds (None where it did not)."""

    state: State = State.UNKNOWN
    latency_ms: float | None = None
