"""The breaker: while a tenant's project or credential is broken, its chunks are parked, not failed, and one probe asks whether it is mended.

A breaker's scope is `all`, or one platform where only that platform's key (APNs, web push) is bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ALL = "all"
FIRST_PROBE = timedelta(seconds=60)
LONGEST_PROBE_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Breaker:
    """An open breaker: FCM's error code, since when, when it is probed next, and how often it was."""

    reason: str
    opened_at: datetime
    probe_at: datetime
    probes: int = 0


def open_breaker(breakers: Mapping[str, Breaker], scope: str, reason: str, now: datetime) -> Mapping[str, Breaker] | None:
    """Open a breaker; None if it is open already, so that a thousand chunks write it once."""
    if scope in breakers:
        return None
    return {**breakers, scope: Breaker(reason, now, now + FIRST_PROBE)}


def postpone_probe(breaker: Breaker, now: datetime) -> Breaker:
    """Note a probe that failed: the next one waits twice as long, ten minutes at the most."""
    wait = min(FIRST_PROBE * 2 ** min(breaker.probes + 1, 10), LONGEST_PROBE_WAIT)
    return replace(breaker, probe_at=now + wait, probes=breaker.probes + 1)


def close_breaker(breakers: Mapping[str, Breaker], scope: str) -> Mapping[str, Breaker]:
    """Close a breaker."""
    return {name: breaker for name, breaker in breakers.items() if name != scope}
