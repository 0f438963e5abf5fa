"""The numbers of tenants' days in memory, beside the notification store whose notifications are tallied.

Whether a notification is to be tallied is kept apart from it: it is, once its revision is another than the one that was tallied last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from fanfare.domain.analytics import NOTHING, Amounts, Row, RowFilter, RowKey, cleaned_rows, day_rows, merge_rows, total
from fanfare.domain.broadcast_progress import Sums, add_sums
from fanfare.domain.metrics import Counters, add
from fanfare.domain.notification import Notification
from fanfare.domain.receipt_sums import ReceiptSum
from fanfare.domain.recomputing import Comparison, Correction
from fanfare.domain.tallying import ByPlatform, Tally, Untallied, day_of, row_key
from tests.fakes.notifications import MemoryNotificationStore


class MemoryAnalyticsStore:
    """`details` by tenant and key, `days` by tenant and day, `fleet` what notifications and receipts have added to the numbers of the whole fleet."""

    def __init__(self, notifications: MemoryNotificationStore) -> None:
        self._notifications = notifications
        self.details: dict[tuple[str, RowKey], Amounts] = {}
        self.days: dict[tuple[str, date], Amounts] = {}
        self.fleet: Counters = {}
        self._marks: set[tuple[str, str]] = set()
        self._corrections: dict[tuple[str, date], int] = {}
        self._contributed: dict[tuple[str, str], ByPlatform] = {}
        self._counters: dict[tuple[str, str], Counters] = {}
        self._received: dict[tuple[str, str], ByPlatform] = {}
        self._tallied: dict[tuple[str, str], object] = {}

    def add(self, tenant: str, mark: str, rows: Sequence[Row], now: datetime) -> bool:
        with self._notifications.lock:
            if (tenant, mark) in self._marks:
                return False
            self._marks.add((tenant, mark))
            self._add(tenant, rows)
        return True

    def add_cleaned(self, tenant: str, mark: str, day: date, cleaned: Mapping[str | None, int], now: datetime) -> bool:
        return self.add(tenant, mark, cleaned_rows(day, cleaned), now)

    def rows(self, tenant: str, first: date, last: date, filters: RowFilter, limit: int) -> list[Row]:
        found = [Row(key, amounts) for (owner, key), amounts in self.details.items() if owner == tenant and first <= key.day <= last]
        return sorted((row for row in found if _is_wanted(filters, row.key)), key=lambda row: row.key.day)[:limit]

    def totals(self, tenant: str, first: date, last: date) -> list[Row]:
        days = sorted(day for owner, day in self.days if owner == tenant and first <= day <= last)
        return [Row(RowKey(day), self.days[tenant, day]) for day in days]

    def find_tenants(self, limit: int, after: str | None = None) -> list[str]:
        tenants = sorted({notification.tenant for notification in self._untallied()})
        return [tenant for tenant in tenants if after is None or tenant > after][:limit]

    def find_untallied(self, tenant: str, limit: int, after: str | None = None) -> list[Untallied]:
        found = [row for row in self._untallied() if row.tenant == tenant and (after is None or row.id > after)]
        return self.read_tallied(tenant, [row.id for row in sorted(found, key=lambda row: row.id)[:limit]])

    def tally(self, tallies: Sequence[Tally]) -> bool:
        with self._notifications.lock:
            if any(not self._is_unchanged(tally.notification) for tally in tallies):
                return False
            for tally in tallies:
                place = (tally.notification.tenant, tally.notification.id)
                # A new revision, as any write of the document gives it.
                self._notifications.put(tally.notification)
                stored = self._notifications.get(*place)
                assert stored is not None
                self._contributed[place], self._counters[place] = tally.contributed, tally.counters
                self.fleet = add([self.fleet, tally.counted])
                self._tallied[place] = stored.revision if tally.is_over else None
                self._add(place[0], tally.rows)
        return True

    def read_tallied(self, tenant: str, notification_ids: Sequence[str]) -> list[Untallied]:
        found = [self._notifications.get(tenant, name) for name in notification_ids]
        places = [(row, (tenant, row.id)) for row in found if row is not None]
        return [Untallied(row, self._contributed.get(place, {}), self._counters.get(place, {})) for row, place in places]

    def count_chunks(self, notification: Notification) -> Sums:
        chunks = self._notifications.chunks_of(notification.tenant, notification.id)
        return add_sums(chunk.counted for chunk in chunks if chunk.counted is not None)

    def compare(self, tenant: str, day: date) -> Comparison:
        with self._notifications.lock:
            notifications = [row for row in self._notifications.everything() if row.tenant == tenant and day_of(row) == day]
            contributed = merge_rows(
                Row(row_key(row, platform), amounts)
                for row in notifications
                for by_platform in (self._contributed, self._received)
                for platform, amounts in by_platform.get((tenant, row.id), {}).items()
            )
            rows = self.rows(tenant, day, day, RowFilter(), len(self.details))
            return Comparison(contributed, rows, self.days.get((tenant, day), NOTHING), self._corrections.get((tenant, day)))

    def correct(self, tenant: str, day: date, correction: Correction, revision: object) -> bool:
        with self._notifications.lock:
            if self._corrections.get((tenant, day)) != revision:
                return False
            self._corrections[tenant, day] = (self._corrections.get((tenant, day)) or 0) + 1
            self._add_details(tenant, correction.rows)
            self._add_totals(tenant, [Row(RowKey(day), correction.total)])
        return True

    def add_received(self, summed: ReceiptSum) -> None:
        """Add what receipts come to, as part of another store's write."""
        place = (summed.notification.tenant, summed.notification.id)
        before = self._received.get(place, {})
        after = {name: total([before.get(name, NOTHING), summed.added.get(name, NOTHING)]) for name in {**before, **summed.added}}
        self._received[place] = after
        self._add(summed.notification.tenant, summed.rows)
        self.fleet = add([self.fleet, summed.counters])

    def _untallied(self) -> list[Notification]:
        return [row for row in self._notifications.everything() if not row.validate_only and self._tallied.get((row.tenant, row.id)) != row.revision]

    def _is_unchanged(self, notification: Notification) -> bool:
        stored = self._notifications.get(notification.tenant, notification.id)
        return stored is not None and stored.revision == notification.revision

    def _add(self, tenant: str, rows: Iterable[Row]) -> None:
        merged = merge_rows(rows)
        self._add_details(tenant, merged)
        self._add_totals(tenant, day_rows(merged))

    def _add_details(self, tenant: str, rows: Iterable[Row]) -> None:
        for row in rows:
            self.details[tenant, row.key] = total([self.details.get((tenant, row.key), NOTHING), row.amounts])

    def _add_totals(self, tenant: str, rows: Iterable[Row]) -> None:
        for row in rows:
            self.days[tenant, row.key.day] = total([self.days.get((tenant, row.key.day), NOTHING), row.amounts])


def _is_wanted(filters: RowFilter, key: RowKey) -> bool:
    names = ("client_id", "topic", "platform", "template")
    return all(getattr(filters, name) in (None, getattr(key, name)) for name in names)
