"""What a tally costs in Firestore, counted over the wire: the budget of docs/analytics.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fanfare.config import Settings
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.ports import Deps
from fanfare.services.show_analytics import daily_totals
from fanfare.services.tally_notifications import PAGE, tally_notifications
from fanfare.wiring import build_deps
from local.stack import Stack
from tests.e2e.counting_proxy import CountingProxy, Usage, counting_proxy
from tests.e2e.harness import Tenant, fresh
from tests.factories import a_notification

ROWS = 3
"""A row of each platform, beside the total of the day and the numbers of the fleet."""
CHUNKS, PARTS = 40, 16


@dataclass(frozen=True, slots=True)
class Counted:
    """The adapters behind the proxy, and what was counted of each call."""

    deps: Deps
    proxy: CountingProxy
    tenant: str

    def accept(self, count: int, **fields: object) -> list[Notification]:
        notifications = [a_notification(**{"id": fresh("tallied"), "tenant": self.tenant, **fields}) for _ in range(count)]
        for notification in notifications:
            assert self.deps.notifications.accept(notification, []) is None
        return notifications

    def tally(self, expected: int) -> Usage:
        self.proxy.usage = Usage()
        assert tally_notifications(self.deps, self.tenant, "request-1").notifications == expected
        used = self.proxy.usage
        sys.stdout.write(f"\n{expected:>5} tallied: {used.reads} reads in {used.read_calls} calls, {used.writes} writes in {used.commits} commits\n")
        return used


@pytest.fixture
def counted(stack: Stack, own_tenant: Tenant) -> Iterator[Counted]:
    with counting_proxy(stack.firestore_host) as (proxy, address), pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", address)
        yield Counted(build_deps(Settings.from_env(stack.environment)), proxy, own_tenant.id)


def test_notification_of_one_chunk_costs_a_read_and_a_write_and_pages_share_their_rows(counted: Counted) -> None:
    platforms = {name: {"sent": 1} for name in ("android", "ios", "web")}
    count = 2 * PAGE + PAGE // 2
    counted.accept(count, status=NotificationStatus.COMPLETED, counts=Counts(3, sent=3), platforms=platforms)
    used = counted.tally(count)
    assert (used.reads, used.read_calls) == (count, 3)
    assert (used.writes, used.commits) == (count + 3 * (ROWS + 2), 3)
    used = counted.tally(0)
    assert (used.reads, used.writes) == (1, 0), "nothing to do is one read, that of a query without an answer"


def test_broadcast_under_way_costs_its_sums_and_no_write_while_it_stands_still(counted: Counted) -> None:
    layout = Layout(Source.RECIPIENTS, None, (CHUNKS,))
    counted.accept(1, status=NotificationStatus.SENDING, layout=layout, chunk_count=CHUNKS)
    used = counted.tally(1)
    assert (used.reads, used.writes) == (1 + PARTS, 2), "that it was accepted is noted with it, and in the fleet's numbers"
    used = counted.tally(0)
    assert (used.reads, used.writes) == (1 + PARTS, 0)


def test_days_are_shown_by_a_document_each(counted: Counted) -> None:
    counted.accept(1, status=NotificationStatus.COMPLETED, counts=Counts(1, sent=1))
    counted.tally(1)
    counted.proxy.usage = Usage()
    daily_totals(counted.deps, counted.tenant, 30)
    assert (counted.proxy.usage.reads, counted.proxy.usage.read_calls) == (30, 1)
