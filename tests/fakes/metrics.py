"""The fleet's numbers in memory: those that the analytics store adds to, and counts of what has ended."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from fanfare.domain.fleet_counters import RETIRED
from fanfare.domain.metrics import Counters, add
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.webhook_delivery import FINAL_DELIVERY_STATES
from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.events import MemoryEventStore
from tests.fakes.notifications import MemoryNotificationStore


class MemoryMetricsStore:
    """`counted` is what spans of time have come to, `until` up to when they were counted."""

    def __init__(
        self, analytics: MemoryAnalyticsStore, devices: MemoryDeviceStore, events: MemoryEventStore, notifications: MemoryNotificationStore
    ) -> None:
        self.counted: Counters = {}
        self.until: datetime | None = None
        self._revision: int | None = None
        self._analytics, self._devices, self._events, self._notifications = analytics, devices, events, notifications

    def read_counters(self) -> Counters:
        return add([self._analytics.fleet, self.counted])

    def get_counted(self) -> tuple[datetime | None, object]:
        return self.until, self._revision

    def count_deliveries(self, after: datetime | None, until: datetime) -> dict[str, int]:
        ended = [each for each in self._events.deliveries.values() if each.state in FINAL_DELIVERY_STATES]
        return dict(Counter(each.state.value for each in ended if _is_within(each.completed_at, after, until)))

    def count_retired(self, after: datetime | None, until: datetime) -> dict[str, int]:
        retired = [(device.inactive_reason, device.inactive_since) for _, device in self._devices.everything()]
        return dict(Counter(reason.value for reason, at in retired if reason in RETIRED and _is_within(at, after, until)))

    def add_counted(self, counters: Counters, until: datetime, revision: object) -> bool:
        with self._notifications.lock:
            if revision != self._revision:
                return False
            self.counted, self.until, self._revision = add([self.counted, counters]), until, (self._revision or 0) + 1
        return True

    def find_under_way(self, limit: int) -> list[Notification]:
        return [row for row in self._notifications.everything() if row.status is NotificationStatus.SENDING and not row.paused][:limit]


def _is_within(at: datetime | None, after: datetime | None, until: datetime) -> bool:
    return at is not None and at <= until and (after is None or at > after)
