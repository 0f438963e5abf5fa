"""Rate limits: how many requests a client may make a minute, by group of routes.

A window is one minute of the clock. Its counter is split over ceil(limit / 60) parts, so that no Firestore document takes more than about one write a
second; each part enforces its share, and an instance goes through the parts in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from fanfare.domain.client import Client

WINDOW = timedelta(seconds=60)
WRITES_PER_PART = 60
LARGEST_LIMIT = 1_000_000


class LimitGroup(StrEnum):
    """Routes that share a limit."""

    SEND = "send"
    BULK = "bulk"
    DEVICES = "devices"
    ANALYTICS = "analytics"
    OTHER = "other"


DEFAULT_LIMITS: Mapping[LimitGroup, int] = {
    LimitGroup.SEND: 100,
    LimitGroup.BULK: 10,
    LimitGroup.DEVICES: 50,
    LimitGroup.ANALYTICS: 30,
    LimitGroup.OTHER: 300,
}
"""Requests a minute of a client that has no limits of its own (the improvement plan's figures)."""


@dataclass(frozen=True, slots=True)
class Window:
    """One part of one client's counter for one minute."""

    tenant: str
    client_id: str
    group: LimitGroup
    limit: int
    started_at: datetime
    part: int

    @property
    def key(self) -> str:
        """The counter's name."""
        return f"{self.client_id}-{self.group}-{int(self.started_at.timestamp())}-{self.part}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request is told: whether it may go on, and for its headers the limit, what is left of it, and the seconds until it begins anew."""

    allowed: bool
    group: LimitGroup
    limit: int
    remaining: int
    reset_seconds: int


def limit_of(limits: Mapping[str, int], group: LimitGroup) -> int:
    """A client's limit in a group: its own, else everybody's."""
    return limits.get(group, DEFAULT_LIMITS[group])


def parts_of(limit: int) -> int:
    """Over how many documents a limit is spread."""
    return max(1, -(-limit // WRITES_PER_PART))


def share_of(limit: int, part: int) -> int:
    """How many requests one part allows; the shares of all parts add up to the limit."""
    parts = parts_of(limit)
    return limit // parts + (1 if part < limit % parts else 0)


def window_at(client: Client, group: LimitGroup, now: datetime, turn: int) -> Window:
    """The part of a client's counter that a request counts in: `turn` is a number that the instance raises with each request."""
    seconds = int(now.timestamp())
    started_at = datetime.fromtimestamp(seconds - seconds % int(WINDOW.total_seconds()), UTC)
    limit = limit_of(client.limits, group)
    return Window(client.tenant, client.id, group, limit, started_at, turn % parts_of(limit))


def usage_of(window: Window, count: int, now: datetime) -> Usage:
    """Judge a request by its part's counter, itself included. What is left is told for all parts together, as if they were used evenly."""
    share = share_of(window.limit, window.part)
    left = max(0, share - count) * parts_of(window.limit)
    reset = int((window.started_at + WINDOW - now).total_seconds()) + 1
    return Usage(count <= share, window.group, window.limit, min(left, max(0, window.limit - count)), max(1, reset))
