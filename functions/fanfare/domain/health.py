"""How a component is that we depend on, and how this instance is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`UNKNOWN` until the first answer; `DEGRADED` where a component answers and something is wrong with it."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """A component's last known state, how long it took to tell, in milliseconds (None where it did not), and what is wrong, if it says so."""

    state: State = State.UNKNOWN
    latency_ms: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A scheduled job as the scheduler tells it. `last_code` is its last attempt's status: 0 where it succeeded, None where none is known."""

    enabled: bool
    last_code: int | None = None


def job_problem(name: str, job: JobSeen | None) -> str | None:
    """What is wrong with a job that should run; None if nothing is. One that has never run yet is as it should be."""
    if job is None:
        return f"{name}: there is no such job"
    if not job.enabled:
        return f"{name}: it is not enabled"
    return f"{name}: its last attempt failed (status {job.last_code})" if job.last_code else None


def is_impaired(components: Iterable[ComponentHealth]) -> bool:
    """Tell whether any component is known not to be as it should be."""
    return any(found.state in {State.DOWN, State.DEGRADED} for found in components)


@dataclass(frozen=True, slots=True)
class Vitals:
    """One instance: for how long it has run, its machine's load over 1, 5 and 15 minutes, and the memory that it holds, in bytes."""

    uptime_seconds: float
    load: tuple[float, float, float]
    memory_bytes: int
