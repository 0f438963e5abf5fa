"""The numbers of the whole fleet, as Protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.metrics import Counters
from fanfare.domain.notification import Notification
from fanfare.domain.reading import Reading


class MetricsStore(Protocol):
    """Sums that only grow. Tallies and receipts add to them in their own commits; what has ended in a span of time is counted by queries."""

    def read_counters(self) -> Counters:
        """Everything counted so far, of all tenants, also of those that are gone."""
        ...

    def get_counted(self) -> tuple[datetime | None, object]:
        """Up to which instant (included) spans were counted, None before the first one, and the mark by which that is guarded."""
        ...

    def count_deliveries(self, after: datetime | None, until: datetime) -> Mapping[str, int]:
        """How many deliveries to webhooks have ended after `after` and at `until` or earlier, in all tenants, by the state in which they are."""
        ...

    def count_retired(self, after: datetime | None, until: datetime) -> Mapping[str, int]:
        """How many devices' targets were retired in that span, in all tenants, by the reason; those that came back since are not among them."""
        ...

    def add_counted(self, counters: Counters, until: datetime, revision: object) -> bool:
        """Add what a span has come to and note its end, in one commit; False: somebody else has counted since `revision` was read."""
        ...

    def find_under_way(self, limit: int) -> Sequence[Notification]:
        """Find at most `limit` notifications of all tenants that are being sent."""
        ...


class ReadingWindow(Protocol):
    """What this instance has read of the numbers lately: a scraper who asks often reads nothing more."""

    def recent(self, now: datetime) -> Reading | None:
        """The last reading, if it is young enough."""
        ...

    def keep(self, reading: Reading) -> None:
        """Remember a reading."""
        ...
