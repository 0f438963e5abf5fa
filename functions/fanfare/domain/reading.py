"""What one scrape shows: the fleet's numbers, and what is so at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fanfare.domain.metrics import Counters
from fanfare.domain.notification import Counts
from fanfare.domain.tenant import Tenant

FRESH = timedelta(seconds=60)
"""A reading is shown for so long: the numbers behind it move every five minutes."""
OUTCOMES = ("sent", "failed", "retrying", "unsent")


@dataclass(frozen=True, slots=True)
class Held:
    """How many tenants' messages wait: for a breaker, and for somebody who looks at a quarantine."""

    breaker_open: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers, the held tenants, how many notifications are being sent, and what their messages have come to so far, by outcome."""

    at: datetime
    counters: Counters
    held: Held = Held()
    sending: int = 0
    progress: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))


def held_of(tenants: Iterable[Tenant]) -> Held:
    """Count held tenants; one may be held for both."""
    known = list(tenants)
    return Held(sum(bool(tenant.breakers) for tenant in known), sum(tenant.quarantine is not None for tenant in known))


def progress_of(counts: Iterable[Counts]) -> dict[str, int]:
    """What messages under way have come to, by outcome."""
    known = list(counts)
    return {outcome: sum(getattr(one, outcome) for one in known) for outcome in OUTCOMES}


def is_fresh(reading: Reading, now: datetime) -> bool:
    """Tell whether a reading may still be shown."""
    return now - reading.at < FRESH
