"""Rate limits: how many requests a caller may make a minute, by group of routes.

A window is one minute of the clock. An instance takes requests out of the counter in blocks: one at a time below 4,000 a minute, else at most a
two-thousandth of the limit, so that what instances hold and do not use stays small while a caller with a high limit does not pay a write a request.
The counter is split into parts, so that no Firestore document takes more than about one write a second; each part enforces its share, and an instance
goes through the parts in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(seconds=60)
WRITES_PER_PART = 60
BLOCKS = 2_000
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
"""Requests a minute of a caller that has no limits of its own (the improvement plan's figures)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one caller (a client, or an app's user) may use of one group: `limit` requests a minute."""

    tenant: str
    caller: str
    group: LimitGroup
    limit: int


@dataclass(frozen=True, slots=True)
class Window:
    """One part of one caller's counter for one minute."""

    budget: Budget
    started_at: datetime
    part: int

    @property
    def key(self) -> str:
        """The counter's name."""
        return f"{self.budget.caller}-{self.budget.group}-{int(self.started_at.timestamp())}-{self.part}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request is told: whether it may go on, and for its headers the limit, what is left of it, and the seconds until it begins anew."""

    allowed: bool
    group: LimitGroup
    limit: int
    remaining: int
    reset_seconds: int


def limit_of(limits: Mapping[str, int], group: LimitGroup) -> int:
    """A caller's limit in a group: its own, else everybody's."""
    return limits.get(group, DEFAULT_LIMITS[group])


def parts_of(limit: int) -> int:
    """Over how many documents a limit is spread."""
    return max(1, -(-limit // (WRITES_PER_PART * block_of(limit))))


def block_of(limit: int) -> int:
    """How many requests an instance takes out of a counter at once."""
    return max(1, limit // BLOCKS)


def share_of(limit: int, part: int) -> int:
    """How many requests one part allows; the shares of all parts add up to the limit."""
    parts = parts_of(limit)
    return limit // parts + (1 if part < limit % parts else 0)


def window_at(budget: Budget, now: datetime, turn: int) -> Window:
    """The part of a counter that a request counts in: `turn` is a number that the instance raises with each request."""
    return Window(budget, started_of(now), turn % parts_of(budget.limit))


def started_of(now: datetime) -> datetime:
    """When the window of an instant began."""
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(WINDOW.total_seconds()), UTC)


def usage_alone(budget: Budget, count: int, now: datetime) -> Usage:
    """Judge a request by a counter that is in one part, itself included."""
    reset = int((started_of(now) + WINDOW - now).total_seconds()) + 1
    return Usage(count <= budget.limit, budget.group, budget.limit, max(0, budget.limit - count), reset)


def left_of(window: Window, count: int) -> int:
    """How many requests a part's counter leaves of its share; not below none."""
    return max(0, share_of(window.budget.limit, window.part) - count)


def usage_of(window: Window, count: int, now: datetime) -> Usage:
    """Judge a request by its part's counter, itself included. What is left is told for all parts together, as if they were used evenly."""
    budget = window.budget
    left = left_of(window, count) * parts_of(budget.limit)
    reset = int((window.started_at + WINDOW - now).total_seconds()) + 1
    return Usage(count <= share_of(budget.limit, window.part), budget.group, budget.limit, min(left, max(0, budget.limit - count)), max(1, reset))
