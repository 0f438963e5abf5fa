"""How long a message is worth delivering, and what is left of that on a retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fanfare.domain.message import Message, Priority

MAX_TTL_SECONDS = 2_419_200
"""28 days, the longest life FCM stores a message for; also FCM's own default."""

_DEFAULT_TTL_SECONDS = {Priority.HIGH: 86_400, Priority.NORMAL: MAX_TTL_SECONDS}


def ttl_seconds_for(message: Message, *, usual: int | None = None) -> int:
    """The whole life in seconds: the caller's own, else the tenant's `usual` one, else 1 day for high and 28 days for normal priority."""
    if message.ttl_seconds is not None:
        return message.ttl_seconds
    return _DEFAULT_TTL_SECONDS[message.priority] if usual is None else usual


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A life of `ttl_seconds` that began at `planned_at`, seen at `now` (both aware)."""

    ttl_seconds: int
    planned_at: datetime
    now: datetime

    @property
    def remaining_seconds(self) -> int:
        """What is left, never below 0. Whole seconds that passed are taken off, so that a first attempt sends the whole life."""
        elapsed_seconds = max(0, (self.now - self.planned_at) // timedelta(seconds=1))
        return max(0, self.ttl_seconds - elapsed_seconds)

    @property
    def apns_expiration(self) -> str:
        """The end as Unix seconds, the same on every attempt; "0" tells APNs to deliver at once or never."""
        return str(int(self.planned_at.timestamp()) + self.ttl_seconds) if self.ttl_seconds else "0"
