"""The keys of a tenant, and how far their rotation has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FIRST_INDEX_KEY = "1-0"


class Phase(StrEnum):
    """Where a rotation of keys stands (domain/key_rotation.py says what happens in each)."""

    ANNOUNCED = "announced"
    FILLING_PROFILES = "filling_profiles"
    FILLING_DEVICES = "filling_devices"
    SWITCHED = "switched"
    CLOSED = "closed"
    CLEARING_PROFILES = "clearing_profiles"
    CLEARING_DEVICES = "clearing_devices"
    CLEARING_LOCKS = "clearing_locks"


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """The ids of the keys of a tenant's blind index: lookups use `current`; writes go under both while there is an `other`.

    An id is `{version of the deployment's secret}-{generation}`: the key follows from it, and no new version of the secret is used by itself.
    """

    current: str = FIRST_INDEX_KEY
    other: str | None = None

    @property
    def written(self) -> tuple[str, ...]:
        """The keys that every write goes under, the one for lookups first."""
        return (self.current,) if self.other is None else (self.current, self.other)


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """A rotation under way.

    It goes on at `due_at`. `retiring` is the index key that is given up, `cursor` the last document that the phase has done, `done` how many it has.
    """

    phase: Phase
    started_at: datetime
    due_at: datetime
    retiring: str
    cursor: str | None = None
    done: int = 0
