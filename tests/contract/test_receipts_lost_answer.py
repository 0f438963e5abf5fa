"""Receipts and their sums whose commit's answer was lost: they are stored once, told once and summed once, and the caller hears that they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from fanfare.domain.analytics import EVERY_ROW, Amounts
from fanfare.domain.event import Event, EventKind
from fanfare.domain.receipt_sums import ReceiptSum
from fanfare.domain.receipts import ReceiptChange, ReceiptEvent, ReceiptKey, StoredReceipt
from fanfare.domain.registration import RegistrationPlan
from tests.contract.firestore_proxy import FirestoreProxy, firestore_proxy
from tests.contract.stores.real import Stores, open_firestore, real_stores
from tests.factories import NOW, a_device, a_notification, a_tenant

KEY = ReceiptKey("notification-1", "device-1")
FIRST = StoredReceipt(KEY, NOW, NOW + timedelta(seconds=1))
DELIVERED = ReceiptEvent.DELIVERED
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Network:
    """`stores` behind a proxy that can lose answers, `others` over the same data without one."""

    proxy: FirestoreProxy
    stores: Stores
    others: Stores

    def losing(self, call: Callable[[], bool]) -> bool:
        """Make a call whose first answer is lost, so that its commit is sent again."""
        self.proxy.commits, self.proxy.lose_next = 0, 1
        stored = call()
        assert (self.proxy.lose_next, self.proxy.commits > 1) == (0, True)
        return stored


@pytest.fixture
def network(emulator: str, project_id: str) -> Iterator[Network]:
    """A message that was sent to one device."""
    with firestore_proxy(emulator) as (proxy, host):
        behind, direct = open_firestore(host, project_id), open_firestore(emulator, project_id)
        others = real_stores(direct)
        others.tenants.create(a_tenant())
        others.notifications.accept(a_notification(), [])
        others.devices.save("acme", [RegistrationPlan(a_device())])
        yield Network(proxy, real_stores(behind), others)
        behind.close()
        direct.close()


def _event(number: int) -> Event:
    return Event(f"event-{number}", "acme", EventKind.NOTIFICATION_DELIVERED, NOW, {"receipts": []}, ("notification-1",))


def test_new_receipt_is_stored_and_told_once(network: Network) -> None:
    assert network.losing(lambda: network.stores.receipts.save("acme", [ReceiptChange(None, FIRST)], [_event(1)]))
    assert network.others.receipts.get_many("acme", [KEY]) == {KEY: FIRST}
    assert network.others.events.get("acme", "event-1") is not None


def test_changed_receipt_is_stored_once(network: Network) -> None:
    network.others.receipts.save("acme", [ReceiptChange(None, FIRST)], ())
    before = network.stores.receipts.get_many("acme", [KEY])[KEY]
    after = replace(before, read_at=NOW + timedelta(seconds=9))
    assert network.losing(lambda: network.stores.receipts.save("acme", [ReceiptChange(before, after)], [_event(2)]))
    assert network.others.receipts.get_many("acme", [KEY])[KEY].read_at == after.read_at
    assert len(network.others.receipt_sums.find_noted(ReceiptEvent.READ, LATER, 9)) == 1


def test_sums_are_added_once(network: Network) -> None:
    for number in range(2):
        key = ReceiptKey("notification-1", f"device-{number}")
        network.others.receipts.save("acme", [ReceiptChange(None, replace(FIRST, key=key))], ())
        places, revision = network.stores.receipt_sums.get_places()
        [found] = network.stores.receipt_sums.find_noted(DELIVERED, LATER, 1, places.get(DELIVERED))
        notification = network.others.notifications.get("acme", "notification-1")
        assert notification is not None
        sums = [ReceiptSum(notification, {"android": Amounts(total_delivered=1)})]
        place, mark = found.place, revision
        assert network.losing(lambda place=place, mark=mark, sums=sums: network.stores.receipt_sums.add(DELIVERED, place, mark, sums))  # type: ignore[misc]
    stored = network.others.notifications.get("acme", "notification-1")
    assert stored is not None
    assert stored.counts.delivered == 2
    assert [row.amounts.total_delivered for row in network.others.analytics.rows("acme", NOW.date(), NOW.date(), EVERY_ROW, 9)] == [2]


def test_whose_being_heard_of_was_stored_is_seen_by_reading_again(network: Network) -> None:
    seen = network.stores.receipt_sums.get_seen("acme", ["device-1"])
    assert not network.losing(lambda: network.stores.receipt_sums.note_seen("acme", seen, {"device-1": NOW}))
    assert network.stores.receipt_sums.get_seen("acme", ["device-1"])["device-1"].last_seen_at == NOW
