"""How a component is that we depend on, and how this instance is."""

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


@dataclass(frozen=True, slots=True)
class Vitals:
    """One instance: for how long it has run, its machine's load over 1, 5 and 15 minutes, and the memory that it holds, in bytes."""

    uptime_seconds: float
    load: tuple[float, float, float]
    memory_bytes: int
