"""The numbers of a tenant's days, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from fanfare.domain.analytics import Row, RowFilter
from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.notification import Notification
from fanfare.domain.recomputing import Comparison, Correction
from fanfare.domain.tallying import Tally, Untallied


class AnalyticsStore(Protocol):
    """Rows by (UTC day, client, topic, platform, template), the totals of the days, and what each notification has contributed to them."""

    def add(self, tenant: str, mark: str, rows: Sequence[Row], now: datetime) -> bool:
        """Add to rows and totals, once for each `mark` (an id of what is counted); False: that was done before, nothing was added.

        Marks are kept for 30 days. For what is stored in a commit of its own; what rides in another one uses `adapters/firestore/stats.py`.
        """
        ...

    def add_cleaned(self, tenant: str, mark: str, day: date, cleaned: Mapping[str | None, int], now: datetime) -> bool:
        """Add what a cleanup has cleaned, by platform, once for each `mark`; False: that was done before, nothing was added."""
        ...

    def rows(self, tenant: str, first: date, last: date, filters: RowFilter, limit: int) -> Sequence[Row]:
        """Find at most `limit` rows from `first` to `last` (both included), in the order of their days."""
        ...

    def totals(self, tenant: str, first: date, last: date) -> Sequence[Row]:
        """The total of each day from `first` to `last` (both included) on which anything was counted, in their order."""
        ...

    def find_tenants(self, limit: int, after: str | None = None) -> Sequence[str]:
        """Find at most `limit` tenants who have notifications to tally, in the order of their names, after the one of that name."""
        ...

    def find_untallied(self, tenant: str, limit: int, after: str | None = None) -> Sequence[Untallied]:
        """Find at most `limit` notifications to tally, in the order of their ids, after the one of that id."""
        ...

    def tally(self, tallies: Sequence[Tally]) -> bool:
        """Store what notifications of one tenant contribute, and add it to rows and totals, in one commit.

        False: one of them has changed since it was read; nothing was stored.
        """
        ...

    def read_tallied(self, tenant: str, notification_ids: Sequence[str]) -> Sequence[Untallied]:
        """Read notifications with what they have contributed; unknown ids are missing from the answer."""
        ...

    def count_chunks(self, notification: Notification) -> Sums:
        """Sum what the chunks of a notification of many have counted."""
        ...

    def compare(self, tenant: str, day: date) -> Comparison:
        """Read what a day's notifications have contributed, and its rows and total, at one instant."""
        ...

    def correct(self, tenant: str, day: date, correction: Correction, revision: object) -> bool:
        """Add a correction in one commit; False: another one was added since the comparison, nothing was stored."""
        ...
